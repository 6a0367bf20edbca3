import { useNavigate, useSearch } from "@tanstack/react-router";
import { setSignedOut } from "@/app/session";
import { LoginForm } from "@/features/login/LoginForm";
import "@/features/login/login.css";

export function LoginPage() {
  const { to } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  return (
    <main className="login" id="main">
      <div className="card">
        <div className="body stack">
          <div className="mark">
            <img src="/assets/icon.svg" alt="" width={32} height={32} />
            <h1>Sightloop</h1>
          </div>
          <p className="muted">
            Watch models in production, review the images that matter, retrain, and roll out with
            proof.
          </p>
          <LoginForm
            onDone={(me) => {
              setSignedOut(false);
              // Only a path of this origin: the parameter comes from an address anyone may have written.
              if (to && /^\/(?![/\\])/.test(to)) void navigate({ href: to, replace: true });
              else {
                void navigate({
                  to: "/o/$org/deployments",
                  params: { org: me.organization.name },
                  replace: true,
                });
              }
            }}
          />
        </div>
      </div>
    </main>
  );
}
