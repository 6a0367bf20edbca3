/** Fails when the gzip size of a part of dist/ passes its budget. Parts follow the manifest's imports. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const KB = 1000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

function filesOf(key, seen = new Set()) {
  const chunk = manifest[key];
  if (!chunk || seen.has(key)) return new Set();
  seen.add(key);
  const files = new Set([chunk.file, ...(chunk.css ?? [])]);
  for (const one of chunk.imports ?? []) for (const file of filesOf(one, seen)) files.add(file);
  return files;
}

const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const shell = filesOf("index.html");
const without = (files) => [...files].filter((file) => !shell.has(file));

const parts = [
  ["shell", [...shell], 170],
  ["charts", without(filesOf("src/lib/echarts.ts")), 240],
  ["review", without(filesOf("src/features/review/ReviewPage.tsx")), 90],
];

let failed = false;
for (const [name, files, limit] of parts) {
  const total = files.reduce((n, file) => n + size(file), 0) / KB;
  if (files.length === 0 || total > limit) failed = true;
  console.log(
    `${name.padEnd(8)} ${total.toFixed(1).padStart(6)} KB of ${limit} (${files.length} files)`,
  );
}
process.exit(failed ? 1 : 0);
