import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Navigate, useParams, useRouter } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { isProblem } from "@/api/problem";
import { me } from "@/api/queries";
import { setSignedOut, useSignedOut } from "@/app/session";
import { Dialog } from "@/components/Dialog";
import { Empty, Failure, Loading } from "@/components/states";
import { LoginForm } from "@/features/login/LoginForm";
import { retryLive, startLive } from "@/lib/live/live";

/** Lets in who is signed in; whose session ends meanwhile gets the login over the page. */
export function Gate({ children }: { children: ReactNode }) {
  const query = useQuery(me);
  const { org } = useParams({ strict: false });
  const known = query.data;
  useEffect(() => {
    if (known) startLive();
  }, [known]);
  if (!known) {
    if (isProblem(query.error, 401)) {
      return <ToLogin />;
    }
    if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
    return (
      <div style={{ padding: 48 }}>
        <Loading label="Signing in" />
      </div>
    );
  }
  const { id, name } = known.organization;
  if (org !== undefined && org !== id && org !== name) {
    return (
      <Empty title={`No organization “${org}” for this token`} icon="lock">
        <a className="button" href={`/o/${encodeURIComponent(name)}/deployments`}>
          Go to {name}
        </a>
      </Empty>
    );
  }
  return (
    <>
      {children}
      <SignedOut />
    </>
  );
}

/** Goes once, with the address as it is now: `Navigate` would start anew at each render on the way. */
function ToLogin() {
  const router = useRouter();
  useEffect(() => {
    const to = router.state.location.href;
    void router.navigate({ to: "/login", search: { to }, replace: true });
  }, [router]);
  return null;
}

function SignedOut() {
  const out = useSignedOut();
  const client = useQueryClient();
  if (!out) return null;
  return (
    <Dialog title="Your session has ended" onClose={() => {}} closable={false}>
      <p className="muted" style={{ marginBottom: 16 }}>
        Sign in again to go on. What you had not saved is kept and saved then.
      </p>
      <LoginForm
        onDone={() => {
          setSignedOut(false);
          retryLive();
          void client.invalidateQueries();
        }}
      />
    </Dialog>
  );
}

export function Home() {
  const query = useQuery(me);
  if (query.data) {
    return (
      <Navigate to="/o/$org/deployments" params={{ org: query.data.organization.name }} replace />
    );
  }
  if (isProblem(query.error, 401)) return <Navigate to="/login" replace />;
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return null;
}
