import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { post } from "@/api/client";
import { dataNames } from "@/api/data";
import type { DataDetail } from "@/api/types";
import { FormProblem } from "@/components/states";
import { Time } from "@/components/Time";
import { TagInput } from "@/features/data/TagInput";
import { bytes } from "@/lib/format";
import { useRefusal } from "@/lib/rights";

export function FactsCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card" aria-label={title} data-panel>
      <header>
        <h2>{title}</h2>
      </header>
      <div className="body">{children}</div>
    </section>
  );
}

/** What is known of an image; its tags are changed here. */
export function ImageFacts({ image: one }: { image: DataDetail }) {
  const client = useQueryClient();
  const refusal = useRefusal("data:write");
  const { data: names } = useQuery(dataNames);
  const [tags, setTags] = useState<readonly string[]>(one.tags);
  const save = useMutation({
    mutationFn: (next: readonly string[]) =>
      post("ingest", "/data/tags", {
        images: [one.id],
        add: next.filter((tag) => !tags.includes(tag)),
        remove: tags.filter((tag) => !next.includes(tag)),
      }),
    onMutate: (next) => {
      const before = tags;
      setTags(next);
      return { before };
    },
    onError: (_error, _next, context) => setTags(context?.before ?? one.tags),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["image", one.id] });
      void client.resetQueries({ queryKey: ["rows", "ingest"] });
    },
  });
  const said = { ...one.metadata, ...one.custom_metadata };
  return (
    <FactsCard title="Image">
      <dl className="facts">
        <dt>Source</dt>
        <dd>{one.source}</dd>
        <dt>Tags</dt>
        <dd>
          {refusal === null ? (
            <TagInput
              id={`tags-${one.id}`}
              label="Tags"
              value={tags}
              known={names?.tags ?? []}
              onChange={(next) => save.mutate(next)}
            />
          ) : tags.length === 0 ? (
            <span className="muted">none</span>
          ) : (
            tags.map((tag) => (
              <span key={tag} className="tag">
                {tag}
              </span>
            ))
          )}
        </dd>
        <dt>Size</dt>
        <dd>
          {one.width} × {one.height} px · {bytes(one.size)} · {one.content_type}
        </dd>
        <dt>Made</dt>
        <dd>
          <Time at={one.created} />
        </dd>
        <dt>Received</dt>
        <dd>
          <Time at={one.received} />
        </dd>
        {Object.entries(said).map(([key, value]) => (
          <FactRow key={key} name={key} value={value} />
        ))}
        <dt>SHA-256</dt>
        <dd>
          <code title={one.sha256 ?? undefined}>{one.sha256?.slice(0, 16) ?? "–"}</code>
        </dd>
      </dl>
      <FormProblem error={save.error} />
    </FactsCard>
  );
}

export function FactRow({ name, value }: { name: string; value: unknown }) {
  return (
    <>
      <dt className="truncate" title={name}>
        {name}
      </dt>
      <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
    </>
  );
}
