import { useEffect, useState } from "react";

const EVERY = 5000;
let pending = "";

/** Said to screen readers at most every five seconds; the last word of that time wins. */
export function announce(text: string) {
  pending = text;
}

export function Announcer() {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const timer = setInterval(() => {
      if (pending) {
        setSaid(pending);
        pending = "";
      }
    }, EVERY);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="hidden-visually" aria-live="polite" role="status" aria-label="Updates">
      {said}
    </div>
  );
}
