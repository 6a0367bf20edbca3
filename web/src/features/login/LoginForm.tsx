import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { post } from "@/api/client";
import { isProblem } from "@/api/problem";
import { me } from "@/api/queries";
import type { Me } from "@/api/types";
import { Button } from "@/components/controls";

export function LoginForm({ onDone }: { onDone: (me: Me) => void }) {
  const [token, setToken] = useState("");
  const client = useQueryClient();
  const id = useId();
  const signIn = useMutation({
    mutationFn: () => post<Me>("gateway", "/session", { token: token.trim() }),
    onSuccess: (answer) => {
      client.setQueryData(me.queryKey, answer);
      onDone(answer);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) signIn.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <div className="field">
        <label className="label" htmlFor={id}>
          Token
        </label>
        <input
          id={id}
          className="input mono"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          required
          // biome-ignore lint/a11y/noAutofocus: the only field of this page
          autoFocus
          data-focus=""
          value={token}
          aria-invalid={signIn.isError}
          aria-describedby={`${id}-hint`}
          onChange={(event) => setToken(event.target.value)}
        />
        <span className="hint" id={`${id}-hint`}>
          Printed once at the first start. Each start also writes one, valid a day, to the ready
          file.
        </span>
      </div>
      {signIn.isError && (
        <div className="notice danger" role="alert">
          {message(signIn.error)}
        </div>
      )}
      <Button tone="primary" type="submit" disabled={signIn.isPending}>
        {signIn.isPending ? "Signing in…" : "Sign in"}
      </Button>
    </form>
  );
}

function message(error: unknown): string {
  if (isProblem(error, 401)) return "This token is not valid, or it has expired.";
  if (isProblem(error, 0)) return "The server did not answer. Is it running?";
  return error instanceof Error ? error.message : String(error);
}
