import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { dataNames } from "@/api/data";
import { Field } from "@/components/controls";
import { TagInput } from "@/features/data/TagInput";

/** What is said of each image that comes in: its source and its tags. */
export function SaidOf(props: {
  source: string;
  onSource: (source: string) => void;
  tags: readonly string[];
  onTags: (tags: readonly string[]) => void;
}) {
  const { data: names } = useQuery(dataNames);
  const sources = useId();
  return (
    <>
      <Field label="Source" hint="Where the pictures are from: a camera, a line, a collection.">
        {(id) => (
          <>
            <input
              id={id}
              className="input"
              list={sources}
              value={props.source}
              maxLength={1024}
              onChange={(event) => props.onSource(event.target.value)}
            />
            <datalist id={sources}>
              {names?.sources.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Field label="Tags" hint="Enter or a comma ends a tag.">
        {(id) => (
          <TagInput id={id} value={props.tags} known={names?.tags ?? []} onChange={props.onTags} />
        )}
      </Field>
    </>
  );
}
