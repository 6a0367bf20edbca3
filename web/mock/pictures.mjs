/** Pictures: those of a COCO folder if one is given (SIGHTLOOP_MOCK_IMAGES), else synthetic cells as PNG. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { random } from "./random.mjs";

const folder = process.env.SIGHTLOOP_MOCK_IMAGES;

/** [{filename, width, height, boxes: [[x, y, w, h]], classes}] */
export function scenes(count) {
  const file = folder && join(folder, "coco_train.json");
  if (file && existsSync(file)) return fromCoco(JSON.parse(readFileSync(file, "utf8")), count);
  return Array.from({ length: count }, (_, i) => synthetic(i));
}

function fromCoco(coco, count) {
  const byImage = Map.groupBy
    ? Map.groupBy(coco.annotations, (one) => one.image_id)
    : coco.annotations.reduce((map, one) => {
        map.set(one.image_id, [...(map.get(one.image_id) ?? []), one]);
        return map;
      }, new Map());
  return Array.from({ length: count }, (_, i) => {
    const image = coco.images[i % coco.images.length];
    const annotations = byImage.get(image.id) ?? [];
    return {
      filename: image.file_name,
      width: image.width,
      height: image.height,
      boxes: annotations.map((one) => one.bbox),
      classes: annotations.map((one) => one.category_id),
      file: join(folder, "images", image.file_name),
    };
  });
}

function synthetic(i) {
  const r = random(1000 + i);
  const boxes = [];
  const classes = [];
  for (let n = 6 + Math.floor(r.next() * 12); n > 0; n -= 1) {
    const kind = r.next() < 0.78 ? 0 : r.next() < 0.5 ? 1 : 2;
    const size = [92, 150, 36][kind] * (0.8 + r.next() * 0.4);
    boxes.push([r.next() * (640 - size), r.next() * (480 - size), size, size].map(Math.round));
    classes.push(kind);
  }
  return {
    filename: `frame_${String(i).padStart(5, "0")}.png`,
    width: 640,
    height: 480,
    boxes,
    classes,
  };
}

export function picture(scene) {
  if (scene.file && existsSync(scene.file)) {
    return { type: "image/jpeg", body: readFileSync(scene.file) };
  }
  return { type: "image/png", body: png(scene) };
}

function png({ width, height, boxes, classes }) {
  const inks = [
    [206, 128, 120],
    [110, 74, 150],
    [150, 90, 170],
  ];
  const raw = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const grain = ((x * 13 + y * 29) % 11) - 5;
      raw[at] = 226 + grain;
      raw[at + 1] = 214 + grain;
      raw[at + 2] = 206 + grain;
    }
  }
  boxes.forEach(([bx, by, bw, bh], i) => {
    const ink = inks[classes[i]];
    for (let y = by; y < by + bh; y += 1) {
      for (let x = bx; x < bx + bw; x += 1) {
        const d = ((x - bx - bw / 2) / (bw / 2)) ** 2 + ((y - by - bh / 2) / (bh / 2)) ** 2;
        if (d > 1) continue;
        const at = y * (width * 3 + 1) + 1 + x * 3;
        const light = classes[i] === 0 && d < 0.2 ? 40 : 0;
        for (let k = 0; k < 3; k += 1) raw[at + k] = Math.min(255, ink[k] + light);
      }
    }
  });
  const chunk = (kind, body) => {
    const data = Buffer.concat([Buffer.from(kind), body]);
    const out = Buffer.alloc(data.length + 8);
    out.writeUInt32BE(body.length, 0);
    data.copy(out, 4);
    out.writeUInt32BE(crc32 ? crc32(data) : checksum(data), data.length + 4);
    return out;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(raw)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function checksum(data) {
  let c = ~0;
  for (const byte of data) {
    c ^= byte;
    for (let k = 0; k < 8; k += 1) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}
