import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import { pictureUrl, post } from "@/api/client";
import { dataNames, image, uses } from "@/api/data";
import { deployment, prediction } from "@/api/queries";
import type { AssetUse, DataDetail, PredictedDetail } from "@/api/types";
import { useOrg } from "@/app/params";
import { RightButton, Segments, Select } from "@/components/controls";
import { type Layer, ShapedPicture } from "@/components/Picture";
import { FormProblem, Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { DeleteDialog } from "@/features/data/DeleteDialog";
import { type Choice, choicesOf, summary } from "@/features/data/layers";
import { TagInput } from "@/features/data/TagInput";
import { bytes, decimal, shortId } from "@/lib/format";
import { useRefusal } from "@/lib/rights";
import "@/components/picture.css";
import "@/features/data/data.css";

const NO_LABEL: readonly string[] = [];
const NO_USE: readonly AssetUse[] = [];

export default function ImagePage() {
  const { image: id } = useParams({ from: "/inside/o/$org/datalake/$image" });
  const query = useQuery(image(id));
  return (
    <div className="content">
      <Loaded query={query}>{(one) => <Shown key={one.id} image={one} />}</Loaded>
    </div>
  );
}

function Shown({ image: one }: { image: DataDetail }) {
  const org = useOrg();
  const navigate = useNavigate();
  const search = useSearch({ from: "/inside/o/$org/datalake/$image" });
  const d = one.deployment ?? "";
  const known = one.deployment !== null && one.prediction !== null;
  const predicted = useQuery({ ...prediction(d, one.prediction ?? ""), enabled: known });
  const { data: deployed } = useQuery({ ...deployment(d), enabled: known });
  const used = useQuery({
    ...uses({ data: [one.id], sha256: one.sha256 ? [one.sha256] : [] }),
    enabled: one.has_picture,
  });
  const items = used.data?.items ?? NO_USE;
  const labels = deployed?.champion.labels ?? NO_LABEL;
  const threshold = deployed?.threshold ?? 0;
  const choices = useMemo(
    () => choicesOf(predicted.data, labels, threshold, items),
    [predicted.data, labels, threshold, items],
  );
  const wanted = search.shapes ?? choices[0]?.value ?? "none";
  const shown = choices.find((choice) => choice.value === wanted);
  const layers = useMemo<Layer[]>(() => (shown ? [shown.layer] : []), [shown]);
  const [deleting, setDeleting] = useState(false);
  const choose = (value: string) =>
    void navigate({
      to: "/o/$org/datalake/$image",
      params: { org, image: one.id },
      search: { shapes: value },
      replace: true,
    });
  return (
    <>
      <div className="page-head">
        <h1 className="grow truncate">{one.filename}</h1>
        <ShapeChoice choices={choices} value={wanted} onChange={choose} />
        <RightButton
          scope="data:write"
          tone="danger"
          icon="trash"
          onClick={() => setDeleting(true)}
        >
          Delete
        </RightButton>
      </div>
      <div className="image-page">
        <div className="stage">
          <ShapedPicture
            src={one.has_picture ? pictureUrl(one.id) : null}
            alt={one.filename}
            width={one.width}
            height={one.height}
            layers={layers}
          />
        </div>
        <div className="stack">
          <Facts image={one} />
          {known && (
            <Panel title="Prediction">
              <Loaded query={predicted} rows={3}>
                {(said) => <Predicted said={said} name={deployed?.name} choices={choices} d={d} />}
              </Loaded>
            </Panel>
          )}
          <Panel title="In datasets">
            {one.has_picture ? (
              <Loaded query={used} rows={2}>
                {(found) => <Uses items={found.items} />}
              </Loaded>
            ) : (
              <p className="muted">It has no picture.</p>
            )}
          </Panel>
          {one.twins.length > 0 && (
            <Panel title="The same bytes">
              <ul className="stack">
                {one.twins.slice(0, 10).map((twin) => (
                  <li key={twin}>
                    <Link to="/o/$org/datalake/$image" params={{ org, image: twin }}>
                      {shortId(twin)}
                    </Link>
                  </li>
                ))}
              </ul>
            </Panel>
          )}
        </div>
      </div>
      {deleting && (
        <DeleteDialog
          images={[one]}
          onClose={() => setDeleting(false)}
          onDone={() => void navigate({ to: "/o/$org/datalake", params: { org } })}
        />
      )}
    </>
  );
}

function Panel({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card" aria-label={title} data-panel>
      <header>
        <h2>{title}</h2>
      </header>
      <div className="body">{children}</div>
    </section>
  );
}

/** A few stand side by side; more make a list. */
function ShapeChoice(props: {
  choices: readonly Choice[];
  value: string;
  onChange: (value: string) => void;
}) {
  if (props.choices.length === 0) return null;
  const options = [...props.choices, { value: "none", label: "No shapes" }];
  if (options.length <= 4) {
    return (
      <Segments
        label="Shapes of"
        value={props.value}
        options={options.map(({ value, label }) => ({ value, label }))}
        onChange={props.onChange}
      />
    );
  }
  return (
    <Select
      label="Shapes of"
      value={props.value}
      options={options.map(({ value, label }) => ({ value, label }))}
      onChange={props.onChange}
    />
  );
}

function Facts({ image: one }: { image: DataDetail }) {
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
    <Panel title="Image">
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
    </Panel>
  );
}

function FactRow({ name, value }: { name: string; value: unknown }) {
  return (
    <>
      <dt className="truncate" title={name}>
        {name}
      </dt>
      <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
    </>
  );
}

function Predicted(props: {
  said: PredictedDetail;
  name: string | undefined;
  choices: readonly Choice[];
  d: string;
}) {
  const { said, d } = props;
  const org = useOrg();
  return (
    <dl className="facts">
      <dt>Deployment</dt>
      <dd>
        <Link to="/o/$org/deployments/$d/predictions" params={{ org, d }}>
          {props.name ?? shortId(d)}
        </Link>
      </dd>
      {props.choices
        .filter((one) => ["champion", "shadow", "review"].includes(one.value))
        .map((one) => (
          <FactRow key={one.value} name={one.label} value={summary(one.said)} />
        ))}
      {said.review && (
        <>
          <dt>Reviewed</dt>
          <dd>
            by {said.review.reviewer}, <Time at={said.review.time} relative />
          </dd>
        </>
      )}
      <dt>Outlier</dt>
      <dd>{decimal(said.outlier)}</dd>
      <dt />
      <dd>
        <Link
          to="/o/$org/deployments/$d/review/$asset"
          params={{ org, d, asset: said.id }}
          search={{ src: "list" }}
        >
          {said.review ? "Open the review" : "Review it"}
        </Link>
      </dd>
    </dl>
  );
}

function Uses({ items }: { items: readonly AssetUse[] }) {
  const org = useOrg();
  if (items.length === 0) return <p className="muted">In none yet.</p>;
  return (
    <ul className="stack">
      {items.map((one) => (
        <li key={one.id}>
          <Link
            to="/o/$org/datasets/$s/versions/$v"
            params={{ org, s: one.dataset, v: one.dataset_version }}
            search={{ asset: one.id }}
          >
            {one.dataset_name} {one.version_name}
          </Link>{" "}
          <span className="muted">
            {one.annotation ? summary(one.annotation.labels) : "not annotated"}
            {one.reviewer ? ` · reviewed by ${one.reviewer}` : ""}
          </span>
        </li>
      ))}
    </ul>
  );
}
