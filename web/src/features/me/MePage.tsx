import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { remove } from "@/api/client";
import { me } from "@/api/queries";
import { Button, Segments, Switch } from "@/components/controls";
import { Loaded } from "@/components/states";
import { Time } from "@/components/Time";
import { zoneName, zoneOf } from "@/lib/format";
import { setPreferences, usePreferences } from "@/lib/preferences";
import "@/features/me/me.css";

export default function MePage() {
  const query = useQuery(me);
  const preferences = usePreferences();
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: () => remove("gateway", "/session"),
    onSettled: () => {
      client.clear();
      void navigate({ to: "/login" });
    },
  });
  return (
    <div className="content me">
      <Loaded query={query}>
        {(who) => (
          <>
            <div className="page-head">
              <h1 className="grow">{who.name}</h1>
              <Button onClick={() => leave.mutate()}>Sign out</Button>
            </div>
            <section className="card" aria-label="Preferences">
              <header>
                <h2>Preferences</h2>
              </header>
              <div className="body stack">
                <div className="row wrap">
                  <span className="name">Theme</span>
                  <Segments
                    label="Theme"
                    value={preferences.theme}
                    options={[
                      { value: "system", label: "System" },
                      { value: "light", label: "Light" },
                      { value: "dark", label: "Dark" },
                    ]}
                    onChange={(theme) => setPreferences({ theme })}
                  />
                </div>
                <div className="row wrap">
                  <span className="name">Time zone</span>
                  <Segments
                    label="Time zone"
                    value={preferences.zone}
                    options={[
                      { value: "local", label: `${zoneOf("local")} (${zoneName("local")})` },
                      { value: "UTC", label: "UTC" },
                    ]}
                    onChange={(zone) => setPreferences({ zone })}
                  />
                </div>
                <div className="row wrap">
                  <span className="name">Single keys in review</span>
                  <Switch
                    label="Single keys in review"
                    checked={preferences.singleKeys}
                    onChange={(singleKeys) => setPreferences({ singleKeys })}
                  />
                  <span className="muted small">
                    Off: only Enter, arrows, Del, Esc and those with Ctrl.
                  </span>
                </div>
              </div>
            </section>
            <section className="card" aria-label="Rights">
              <header>
                <h2>Rights</h2>
                <span className="badge accent">{who.role}</span>
              </header>
              <div className="body stack">
                <p>
                  Organization <strong>{who.organization.name}</strong>
                  {who.expires && (
                    <>
                      , signed in until <Time at={who.expires} />
                    </>
                  )}
                </p>
                <p className="scopes">
                  {who.scopes.map((scope) => (
                    <code key={scope} className="badge">
                      {scope}
                    </code>
                  ))}
                </p>
              </div>
            </section>
          </>
        )}
      </Loaded>
    </div>
  );
}
