import { useParams } from "@tanstack/react-router";

export function useOrg(): string {
  return useParams({ strict: false }).org ?? "";
}

export function useDeploymentId(): string {
  return useParams({ strict: false }).d ?? "";
}
