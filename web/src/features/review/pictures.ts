import { pictureUrl } from "@/api/client";

const BOUND = 8;

interface Answer {
  id: number;
  bitmap?: ImageBitmap;
  error?: string;
}

const cache = new Map<string, Promise<ImageBitmap>>();
const waiting = new Map<number, (answer: Answer) => void>();
let worker: Worker | null = null;
let next = 1;

function decode(address: string): Promise<ImageBitmap> {
  if (!worker) {
    worker = new Worker(new URL("./picture.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
    };
  }
  const id = next++;
  return new Promise((resolve, reject) => {
    waiting.set(id, ({ bitmap, error }) => {
      if (bitmap) resolve(bitmap);
      else reject(new Error(error));
    });
    worker!.postMessage({ id, address: new URL(address, location.href).href });
  });
}

/** The decoded picture of a Data; the last eight asked for are kept. */
export function bitmapOf(data: string): Promise<ImageBitmap> {
  const known = cache.get(data);
  if (known) {
    cache.delete(data);
    cache.set(data, known);
    return known;
  }
  const made = decode(pictureUrl(data));
  cache.set(data, made);
  made.catch(() => cache.delete(data));
  // The oldest is forgotten, not closed: it may still be on screen.
  if (cache.size > BOUND) cache.delete(cache.keys().next().value!);
  return made;
}
