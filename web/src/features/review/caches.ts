import { type InfiniteData, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { counts, prediction } from "@/api/queries";
import type { Page, Predicted, PredictedDetail } from "@/api/types";
import { markSaved } from "@/features/review/drafts";
import { onSaved } from "@/features/review/saves";

function marked(page: Page<Predicted>, id: string, revision: number): Page<Predicted> {
  if (!page.items.some((one) => one.id === id)) return page;
  return {
    ...page,
    items: page.items.map((one) =>
      one.id === id
        ? { ...one, revision, status: one.status === "SUBMITTED" ? "SUBMITTED" : "REVIEWED" }
        : one,
    ),
  };
}

/** A saved review shows at once in the lists that are loaded, without moving a row. */
export function useSavedIntoCaches() {
  const client = useQueryClient();
  useEffect(
    () =>
      onSaved((save, review) => {
        const { deployment: d, asset: id } = save;
        if (save.draft) void markSaved(save.draft, review.revision, save.time);
        client.setQueryData<PredictedDetail>(prediction(d, id).queryKey, (old) =>
          old
            ? {
                ...old,
                review,
                revision: review.revision,
                revisions: [...old.revisions, review],
                status: old.status === "SUBMITTED" ? "SUBMITTED" : "REVIEWED",
              }
            : old,
        );
        client.setQueriesData<InfiniteData<Page<Predicted>>>(
          { queryKey: ["predictions", d] },
          (old) =>
            old
              ? { ...old, pages: old.pages.map((page) => marked(page, id, review.revision)) }
              : old,
        );
        client.setQueriesData<Page<Predicted>>({ queryKey: ["queue", d] }, (old) =>
          old ? marked(old, id, review.revision) : old,
        );
        void client.invalidateQueries({ queryKey: counts(d).queryKey });
      }),
    [client],
  );
}
