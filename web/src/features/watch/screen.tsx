// The screen: video, what covers it, and the controls. Owns one player for as long as it is mounted.
import { type KeyboardEvent, type MouseEvent, useEffect, useReducer, useRef, useState } from "react";

import type { Asset } from "../../api/assets";
import { getPlace } from "../../api/signals";
import { strings } from "../../strings";
import { clock } from "../../time";
import { Controls, playName } from "./controls";
import { Icon } from "./icons";
import { commandOf } from "./keys";
import { type Beginning, open, type Player } from "./player";
import { report, type Reporter } from "./reporter";
import { type Choice, initial, type PlayerState, reduce } from "./state";
import { type Tile, parseStoryboard } from "./storyboard";

declare global {
  interface Window {
    /** For tests and for a look from the console; nothing on the page reads it. */
    playnet?: { state: PlayerState; stats: () => object };
  }
}

const IDLE_MS = 3000;
const NOTICE_MS = 8000;
const AT_THE_BEGINNING: Beginning = { startS: 0, audio: null, captions: null };

export function Screen({ asset, type }: { asset: Asset; type: "hls" | "dash" }) {
  const [state, emit] = useReducer(reduce, initial);
  const [player, setPlayer] = useState<Player | null>(null);
  const video = useRef<HTMLVideoElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const tiles = useStoryboard(asset.storyboard);
  const [fullscreen, toggleFullscreen] = useFullscreen(frame, video);
  const [active, wake] = useActivity();

  const reporter = useRef<Reporter | null>(null);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    let opened: Player | null = null;
    let gone = false;
    const start = (beginning: Beginning) => {
      if (gone) return;
      opened = open(element, { type, url: type === "hls" ? asset.hls : asset.dash, captions: asset.captions }, beginning, emit);
      reporter.current = report(element, asset.id);
      setPlayer(opened);
    };
    getPlace(asset.id).then(start, () => start(AT_THE_BEGINNING));
    return () => {
      gone = true;
      reporter.current?.end();
      void opened?.destroy();
    };
  }, [asset.id, asset.hls, asset.dash, type]);

  const [audio, captions] = [chosen(state.sounds, state.sound), chosen(state.texts, state.text)];
  useEffect(() => {
    reporter.current?.choose({ rendition: state.showing === null ? null : `${state.showing}p`, audio, captions });
  }, [state.showing, audio, captions, player]);

  useEffect(() => {
    if (state.resumedS === null || state.phase !== "playing") return;
    const timer = setTimeout(() => emit({ type: "noticed" }), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [state.resumedS, state.phase]);

  useEffect(() => {
    window.playnet = { state, stats: () => player?.stats() ?? {} };
  }, [state, player]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    wake();
    const command = event.ctrlKey || event.metaKey || event.altKey ? null : commandOf(event.key);
    if (!command || !player || ownsKey(event.target as HTMLElement, event.key)) return;
    event.preventDefault();
    if (command.do === "toggle") player.toggle();
    else if (command.do === "mute") player.toggleMute();
    else if (command.do === "fullscreen") toggleFullscreen();
    else if (command.do === "skip") player.seek(state.positionS + command.seconds);
    else if (command.do === "louder") player.setVolume(state.volume + command.by);
    else player.seek(state.durationS * command.share);
  };

  const awake = active || state.phase !== "playing";
  return (
    <section
      ref={frame}
      className={`screen${awake ? "" : " idle"}`}
      aria-label={strings.player}
      tabIndex={0}
      data-phase={state.phase}
      data-buffering={state.buffering}
      onKeyDown={onKeyDown}
      onPointerMove={wake}
      onPointerDown={wake}
    >
      <video ref={video} poster={asset.poster ?? undefined} playsInline preload="auto" />
      {player && <Cover state={state} player={player} />}
      {player && state.resumedS !== null && state.phase !== "failed" && (
        <p className="resumed" role="status">
          {strings.resumedAt(clock(Math.floor(state.resumedS)))}{" "}
          <button
            type="button"
            onClick={() => {
              player.seek(0);
              emit({ type: "noticed" });
            }}
          >
            {strings.startOver}
          </button>
        </p>
      )}
      {player && state.phase !== "failed" && (
        <Controls state={state} player={player} tiles={tiles} fullscreen={fullscreen} onFullscreen={toggleFullscreen} />
      )}
    </section>
  );
}

/** The language of what is heard or read, when it has a name that the API takes. */
function chosen(choices: readonly Choice[], place: number | null): string | null {
  const language = place === null ? "" : (choices[place]?.language ?? "");
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(language) ? language : null;
}

/** Over the picture: a place to press, the big button, the spinner, or what went wrong. */
function Cover({ state, player }: { state: PlayerState; player: Player }) {
  if (state.phase === "failed" && state.failure) {
    return (
      <div className="cover failure" role="alert">
        <p>{strings.failures[state.failure.cause]}</p>
        <button type="button" className="action" onClick={() => player.retry()}>
          {strings.tryAgain}
        </button>
        <small>{state.failure.code}</small>
      </div>
    );
  }
  const press = (event: MouseEvent) => {
    event.preventDefault();
    player.toggle();
  };
  const begin = !state.buffering && state.phase !== "playing";
  return (
    <div className="cover" onClick={press}>
      {state.buffering && <div className="spinner" role="status" aria-label={strings.loading} />}
      {begin && (
        <button type="button" className="begin" aria-label={playName(state)}>
          <Icon shape={state.phase === "ended" ? "replay" : "play"} />
        </button>
      )}
      {state.failure && <p role="alert">{strings.failures[state.failure.cause]}</p>}
    </div>
  );
}

/** Sliders, menus and buttons keep the keys that they understand themselves. */
function ownsKey(target: HTMLElement, key: string): boolean {
  if (target instanceof HTMLSelectElement) return true;
  if (target instanceof HTMLButtonElement) return key === " ";
  return target instanceof HTMLInputElement && key.startsWith("Arrow");
}

function useStoryboard(url: string | null): readonly Tile[] {
  const [tiles, setTiles] = useState<readonly Tile[]>([]);
  useEffect(() => {
    if (url === null) return;
    const ending = new AbortController();
    fetch(url, { signal: ending.signal })
      .then((reply) => (reply.ok ? reply.text() : ""))
      .then((text) => setTiles(parseStoryboard(text, url)))
      .catch(() => setTiles([])); // previews are a convenience: without them the times still show
    return () => ending.abort();
  }, [url]);
  return tiles;
}

/** iPhones can only show the video element itself on the full screen. */
function useFullscreen(
  frame: React.RefObject<HTMLElement | null>,
  video: React.RefObject<HTMLVideoElement | null>,
): [boolean, () => void] {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const changed = () => setOn(document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, []);
  const toggle = () => {
    const native = video.current as (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null;
    if (document.fullscreenElement) void document.exitFullscreen();
    else if (frame.current?.requestFullscreen) frame.current.requestFullscreen().catch(() => setOn(false));
    else native?.webkitEnterFullscreen?.();
  };
  return [on, toggle];
}

/** Whether the viewer did something in the last three seconds. */
function useActivity(): [boolean, () => void] {
  const [moves, setMoves] = useState(0);
  const [active, setActive] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setActive(false), IDLE_MS);
    return () => clearTimeout(timer);
  }, [moves]);
  const wake = () => {
    setActive(true);
    setMoves((count) => count + 1);
  };
  return [active, wake];
}
