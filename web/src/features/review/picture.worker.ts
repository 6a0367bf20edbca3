/// <reference lib="webworker" />
/** Fetches and decodes off the main thread: the next image is a bitmap before it is asked for. */
interface Ask {
  id: number;
  address: string;
}

self.onmessage = async ({ data }: MessageEvent<Ask>) => {
  try {
    const response = await fetch(data.address, { credentials: "same-origin" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const bitmap = await createImageBitmap(await response.blob());
    self.postMessage({ id: data.id, bitmap }, { transfer: [bitmap] });
  } catch (error) {
    self.postMessage({ id: data.id, error: String(error) });
  }
};
