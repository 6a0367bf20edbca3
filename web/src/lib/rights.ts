import { useQuery } from "@tanstack/react-query";
import { me } from "@/api/queries";
import type { Role } from "@/api/types";

/** The least role that usually holds a scope: what a disabled control names. */
const LEAST: Record<string, Role> = {
  "reviews:write": "reviewer",
  "reviews:submit": "engineer",
  "predictions:delete": "engineer",
  "deployments:write": "engineer",
  "rollouts:write": "engineer",
  "experiments:write": "engineer",
  "models:write": "engineer",
  "datasets:write": "engineer",
  "data:write": "engineer",
  users: "admin",
  tokens: "admin",
};

export function leastRole(scope: string): Role {
  return LEAST[scope] ?? (scope.endsWith(":read") ? "viewer" : "admin");
}

export function holds(scopes: readonly string[], wanted: string): boolean {
  const family = wanted.split(":")[0];
  return scopes.includes(wanted) || scopes.includes(family!) || scopes.includes("*");
}

/** Null when the caller may; else the sentence that a disabled control shows. */
export function useRefusal(scope: string): string | null {
  const { data } = useQuery(me);
  if (!data || holds(data.scopes, scope)) return null;
  if (scope === "operate") return "Needs the scope operate, which who runs the platform grants.";
  return `Needs the role ${leastRole(scope)} (${scope}); you are ${data.role}.`;
}
