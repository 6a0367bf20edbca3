import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { pictureUrl } from "@/api/client";
import { image, uses } from "@/api/data";
import { deployment, prediction } from "@/api/queries";
import type { AssetUse, DataDetail } from "@/api/types";
import { useOrg } from "@/app/params";
import { RightButton, Segments, Select } from "@/components/controls";
import { type Layer, ShapedPicture } from "@/components/Picture";
import { Loaded } from "@/components/states";
import { DeleteDialog } from "@/features/data/DeleteDialog";
import { FactsCard, ImageFacts } from "@/features/data/ImageFacts";
import { PredictionFacts, Uses } from "@/features/data/ImageUses";
import { type Choice, choicesOf } from "@/features/data/layers";
import { shortId } from "@/lib/format";
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
          <ImageFacts image={one} />
          {known && (
            <FactsCard title="Prediction">
              <Loaded query={predicted} rows={3}>
                {(said) => (
                  <PredictionFacts said={said} name={deployed?.name} choices={choices} d={d} />
                )}
              </Loaded>
            </FactsCard>
          )}
          <FactsCard title="In datasets">
            {one.has_picture ? (
              <Loaded query={used} rows={2}>
                {(found) => <Uses items={found.items} />}
              </Loaded>
            ) : (
              <p className="muted">It has no picture.</p>
            )}
          </FactsCard>
          {one.twins.length > 0 && (
            <FactsCard title="The same bytes">
              <ul className="stack">
                {one.twins.slice(0, 10).map((twin) => (
                  <li key={twin}>
                    <Link to="/o/$org/datalake/$image" params={{ org, image: twin }}>
                      {shortId(twin)}
                    </Link>
                  </li>
                ))}
              </ul>
            </FactsCard>
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
