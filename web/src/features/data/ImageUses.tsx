import { Link } from "@tanstack/react-router";
import type { AssetUse, PredictedDetail } from "@/api/types";
import { useOrg } from "@/app/params";
import { Time } from "@/components/Time";
import { FactRow } from "@/features/data/ImageFacts";
import { type Choice, summary } from "@/features/data/layers";
import { decimal, shortId } from "@/lib/format";

/** What was predicted of an image, and what a reviewer said of that. */
export function PredictionFacts(props: {
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

/** The dataset versions that hold an image. */
export function Uses({ items }: { items: readonly AssetUse[] }) {
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
