import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { isProblem } from "@/api/problem";
import { setSignedOut } from "@/app/session";

function notice(error: unknown) {
  if (isProblem(error, 401)) setSignedOut(true);
}

/** A refusal is final; only silence and a busy server are tried again. */
function worthRetrying(failures: number, error: unknown): boolean {
  if (!isProblem(error)) return false;
  return failures < 2 && (error.status === 0 || error.status === 429 || error.status >= 500);
}

export function createClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: notice }),
    mutationCache: new MutationCache({ onError: notice }),
    defaultOptions: {
      queries: { staleTime: 5000, retry: worthRetrying, networkMode: "always" },
      mutations: { retry: false, networkMode: "always" },
    },
  });
}
