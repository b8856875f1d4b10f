// One asset, asked for again until nothing about it will change.
import { useEffect, useState } from "react";

import { ApiError, type Asset, getAsset } from "../../api/assets";
import { signToken } from "../../api/publishing";
import { tokenOf } from "../../api/urls";
import { under } from "./sealed";

const POLL_MS = 1000;
const SLOWEST_MS = 10_000;

export interface Observed {
  asset: Asset | null;
  trouble: "gone" | "unreachable" | null;
}

export function useAsset(id: string): Observed {
  const [observed, setObserved] = useState<Observed>({ asset: null, trouble: null });
  useEffect(() => {
    const ending = new AbortController();
    void follow(id, ending.signal, setObserved);
    return () => ending.abort();
  }, [id]);
  return observed;
}

type Tell = (change: (before: Observed) => Observed) => void;

async function follow(id: string, signal: AbortSignal, tell: Tell): Promise<void> {
  let pauseMs = POLL_MS;
  while (!signal.aborted) {
    try {
      const asset = await playable(id, signal);
      tell(() => ({ asset, trouble: null }));
      if (asset.state === "ready" || asset.state === "failed") return;
      pauseMs = POLL_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status === 404) return tell((before) => ({ ...before, trouble: "gone" }));
      tell((before) => ({ ...before, trouble: "unreachable" }));
      pauseMs = Math.min(pauseMs * 2, SLOWEST_MS);
    }
    await pause(pauseMs, signal);
  }
}

/** A private video comes with its token behind #, or belongs to whoever is signed in. */
async function playable(id: string, signal: AbortSignal): Promise<Asset> {
  const given = tokenOf(location.hash);
  const asset = await getAsset(id, signal, given);
  const sealed = asset.visibility === "private" || asset.visibility === "scheduled";
  return under(given ?? (sealed && asset.state === "ready" ? await signToken(id) : null), asset);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
