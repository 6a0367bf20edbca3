import { Link } from "@tanstack/react-router";
import { useOrg } from "@/app/params";

/** The pages of those who keep the platform running. */
export function OperationsTabs() {
  const org = useOrg();
  const active = { className: "active" };
  return (
    <nav className="tabs" aria-label="Operations">
      <Link to="/o/$org/operations/books" params={{ org }} activeProps={active}>
        Books
      </Link>
      <Link to="/o/$org/operations/dead-letters" params={{ org }} activeProps={active}>
        Dead letters
      </Link>
      <Link to="/o/$org/operations/consumers" params={{ org }} activeProps={active}>
        Consumers
      </Link>
    </nav>
  );
}
