import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { bodies } from "@/features/data/chosen";
import { choicesOf, summary } from "@/features/data/layers";
import { passes, tally, type Upload } from "@/features/data/uploads";

const problem = (status: number) => new Problem(status, "", "", "", null, [], {}, null);
const upload = (state: Upload["state"]): Upload => ({
  key: 0,
  name: "a.png",
  size: 1,
  state,
  sent: 0,
  why: null,
});

describe("what an action is for", () => {
  it("is said in bodies of a thousand ids at most", () => {
    const images = Array.from({ length: 2001 }, (_, i) => String(i));
    expect(bodies({ images }).map((one) => "images" in one && one.images.length)).toEqual([
      1000, 1000, 1,
    ]);
    expect(bodies({ q: "width > 3" })).toEqual([{ q: "width > 3" }]);
  });
});

describe("uploads", () => {
  it("are counted by what became of them", () => {
    const found = tally([upload("done"), upload("refused"), upload("done")]);
    expect(found).toMatchObject({ done: 2, refused: 1, waiting: 0 });
  });
  it("are tried again only where the refusal passes by itself", () => {
    expect([0, 429, 503, 413, 422].map((status) => passes(problem(status)))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("shapes over an image", () => {
  it("are summed up by label", () => {
    expect(summary(["car", "bus", "car"])).toBe("car ×2, bus");
    expect(summary([])).toBe("nothing there");
  });
  it("are none where nobody has said anything", () => {
    expect(choicesOf(undefined, [], 0.5, [])).toEqual([]);
  });
});
