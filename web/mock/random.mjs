/** Seeded numbers: the same screens at every start. */
export function random(seed) {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(next() + 1e-12)) * Math.cos(2 * Math.PI * next());
  const uuid = () => {
    const hex = (n) =>
      Math.floor(next() * 16 ** n)
        .toString(16)
        .padStart(n, "0");
    return `0190${hex(4)}-${hex(4)}-7${hex(3)}-a${hex(3)}-${hex(8)}${hex(4)}`;
  };
  return { next, normal, uuid, pick: (list) => list[Math.floor(next() * list.length)] };
}
