import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { deployment, me, prediction } from "@/api/queries";
import { useDeploymentId, useOrg } from "@/app/params";
import { Button } from "@/components/controls";
import { Empty, Failure, Loading } from "@/components/states";
import { ClassificationReview } from "@/features/review/ClassificationReview";
import { ConflictDialog } from "@/features/review/ConflictDialog";
import { useSavedIntoCaches } from "@/features/review/caches";
import { DetectionReview } from "@/features/review/DetectionReview";
import { REVIEW, useNeighbours } from "@/features/review/neighbours";
import { bitmapOf } from "@/features/review/pictures";
import { useSaves } from "@/features/review/saves";
import { count } from "@/lib/format";
import "@/components/picture.css";
import "@/features/review/review.css";

const AHEAD = 3;

export default function ReviewPage() {
  const d = useDeploymentId();
  const { asset } = useParams({ from: REVIEW });
  const search = useSearch({ from: REVIEW });
  const navigate = useNavigate();
  const client = useQueryClient();
  const org = useOrg();
  const deployed = useQuery(deployment(d));
  const who = useQuery(me);
  const near = useNeighbours(d);
  const saves = useSaves();
  useSavedIntoCaches();

  const at = near.items.findIndex((one) => one.id === asset);
  const isDone = (id: string, status: string | null) =>
    saves.get(id) !== undefined || status !== "TO_REVIEW";
  const goTo = (id: string, replace = false) =>
    void navigate({
      to: "/o/$org/deployments/$d/review/$asset",
      params: { org, d, asset: id },
      search,
      replace,
    });

  // "next" stands for the first that waits; "end" for a queue worked through.
  const first =
    near.items.find((one) => !isDone(one.id, one.status)) ??
    (near.fromQueue ? undefined : near.items[0]);
  const wantsNext = asset === "next";
  // biome-ignore lint/correctness/useExhaustiveDependencies: goes once, when the list is there
  useEffect(() => {
    if (wantsNext && !near.loading) goTo(first?.id ?? "end", true);
  }, [wantsNext, near.loading, first?.id]);

  const detail = useQuery({
    ...prediction(d, asset),
    enabled: asset !== "next" && asset !== "end",
    staleTime: 30_000,
  });

  useEffect(() => {
    if (at < 0) return;
    const around = [
      ...near.items.slice(at + 1, at + 1 + AHEAD),
      ...near.items.slice(Math.max(0, at - 1), at),
    ];
    for (const one of around) {
      void client.prefetchQuery({ ...prediction(d, one.id), staleTime: 30_000 });
      bitmapOf(one.data).catch(() => {});
    }
    if (at > near.items.length - 12) near.more?.();
  }, [at, near, client, d]);

  const failure =
    deployed.error ?? (near.error && !near.items.length ? near.error : null) ?? detail.error;
  if (asset === "end") {
    const saved = [...saves.values()].filter(
      (one) => one.save.deployment === d && one.kind === "saved",
    );
    return (
      <QueueEnd
        saved={saved.length}
        onContinue={() => {
          void near.refetch().then(() => goTo("next", true));
        }}
      />
    );
  }
  if (failure && !detail.data) {
    return (
      <div className="content">
        <Failure error={failure} retry={() => void detail.refetch()} />
      </div>
    );
  }
  if (!detail.data || !deployed.data || !who.data || wantsNext) {
    return (
      <div className="content">
        <Loading rows={8} label="Loading the image" />
      </div>
    );
  }
  const onward = () => {
    const rest = near.items.slice(at + 1);
    const next = near.fromQueue ? rest.find((one) => !isDone(one.id, one.status)) : rest[0];
    if (next) goTo(next.id);
    else if (near.fromQueue) goTo("end");
  };
  const by = (step: number) => {
    const next = near.items[at + step];
    if (next) goTo(next.id);
  };
  const props = {
    key: asset,
    detail: detail.data,
    deployed: deployed.data,
    user: who.data.name,
    queued: near.items[at],
    place: { at, of: near.items.length, fromQueue: near.fromQueue },
    strip: near.items,
    onNext: onward,
    onStep: by,
    onOpen: goTo,
  };
  const { key, ...rest } = props;
  return (
    <>
      {deployed.data.type === "CLASSIFICATION" ? (
        <ClassificationReview key={key} {...rest} />
      ) : (
        <DetectionReview key={key} {...rest} />
      )}
      <ConflictDialog labels={deployed.data.champion.labels} />
    </>
  );
}

function QueueEnd({ saved, onContinue }: { saved: number; onContinue: () => void }) {
  const org = useOrg();
  const d = useDeploymentId();
  return (
    <div className="content">
      <Empty
        title="The queue is worked through"
        icon="check"
        action={
          <span className="row">
            <Button tone="primary" onClick={onContinue}>
              Continue
            </Button>
            <Link
              className="button"
              to="/o/$org/deployments/$d/predictions"
              params={{ org, d }}
              search={{ q: 'status = "REVIEWED"' }}
            >
              Reviewed predictions
            </Link>
          </span>
        }
      >
        {count(saved)} {saved === 1 ? "review" : "reviews"} saved since this page was opened. New
        images join the queue as they arrive.
      </Empty>
    </div>
  );
}
