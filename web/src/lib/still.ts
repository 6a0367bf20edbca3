/** A picture of a panel as it stands on the page: what it holds may be HTML, SVG and canvas alike. */
const LEFT_OUT = "header button, header fieldset, .menu, .pinned, [hidden]";
const SHARPNESS = 2;

/** PNG of an element, with what it would show if it were scrolled. `drawn`: a sharper picture of its canvas. */
export async function stillOf(
  element: HTMLElement,
  drawn?: (canvas: HTMLCanvasElement) => string | undefined,
): Promise<Blob> {
  const copy = copyOf(element, drawn);
  const { width, height } = spread(copy, element);
  const image = await loaded(svgOf(copy, await styles(), height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * SHARPNESS);
  canvas.height = Math.round(height * SHARPNESS);
  canvas.getContext("2d")!.drawImage(image, 0, 0, width, height, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture was made")))),
  );
}

/** What a copy of the markup alone would lose, as markup: canvases as pictures, choices as their text. */
function copyOf(
  element: HTMLElement,
  drawn?: (canvas: HTMLCanvasElement) => string | undefined,
): HTMLElement {
  const copy = element.cloneNode(true) as HTMLElement;
  const canvases = element.querySelectorAll("canvas");
  copy.querySelectorAll("canvas").forEach((blank, i) => {
    const canvas = canvases[i]!;
    const box = canvas.getBoundingClientRect();
    const picture = new Image();
    picture.src = drawn?.(canvas) ?? canvas.toDataURL();
    picture.style.cssText = canvas.style.cssText;
    picture.style.width = `${box.width}px`;
    picture.style.height = `${box.height}px`;
    picture.style.imageRendering = getComputedStyle(canvas).imageRendering;
    blank.replaceWith(picture);
  });
  const selects = element.querySelectorAll("select");
  copy.querySelectorAll("select").forEach((blank, i) => {
    blank.replaceWith(selects[i]!.selectedOptions[0]?.text ?? "");
  });
  for (const one of copy.querySelectorAll(LEFT_OUT)) one.remove();
  copy.classList.add("still");
  return copy;
}

/** Gives the copy the element's width and its own height; it is on the page for no frame. */
function spread(copy: HTMLElement, element: HTMLElement): { width: number; height: number } {
  const { width } = element.getBoundingClientRect();
  copy.style.cssText = `position: absolute; width: ${width}px`;
  element.after(copy);
  const { height } = copy.getBoundingClientRect();
  copy.remove();
  return { width, height };
}

/** As they were written: what `cssText` says of a shorthand with a variable is not the same. */
async function styles(): Promise<string> {
  const texts = [...document.styleSheets].map(async ({ href, ownerNode }) =>
    href ? (await fetch(href)).text() : (ownerNode?.textContent ?? ""),
  );
  return (await Promise.all(texts)).join("\n");
}

/** As wide as the window, not as the element: the same media queries hold inside. */
function svgOf(copy: HTMLElement, css: string, height: number): string {
  const style = document.createElement("style");
  style.textContent = css;
  const body = document.createElement("body");
  body.style.cssText = "min-height: 0; background: var(--surface)";
  // Inside an image `system-ui` is the serif font of a page without settings.
  const fonts = getComputedStyle(document.body).fontFamily.split(", ");
  body.style.setProperty("--sans", fonts.filter((one) => one !== "system-ui").join(", "));
  body.append(style, copy);
  const inside = new XMLSerializer().serializeToString(body);
  const theme = document.documentElement.dataset.theme ?? "light";
  const size = `width="${innerWidth}" height="${Math.ceil(Math.max(innerHeight, height))}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" data-theme="${theme}" ${size}><foreignObject width="100%" height="100%">${inside}</foreignObject></svg>`;
}

/** By a data address: one of a blob would make the canvas it is drawn on unreadable. */
async function loaded(svg: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  return image;
}
