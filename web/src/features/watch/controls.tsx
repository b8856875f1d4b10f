// Everything that the viewer can press. State in, commands out; the native elements bring keyboard and screen readers.
import { type ChangeEvent, type PointerEvent, useState } from "react";

import { strings } from "../../strings";
import { clock } from "../../time";
import { Icon } from "./icons";
import type { Player } from "./player";
import type { PlayerState } from "./state";
import { type Tile, tileAt } from "./storyboard";

interface Props {
  state: PlayerState;
  player: Player;
  tiles: readonly Tile[];
  fullscreen: boolean;
  onFullscreen: () => void;
}

export function Controls({ state, player, tiles, fullscreen, onFullscreen }: Props) {
  const silent = state.muted || state.volume === 0;
  return (
    <div className="controls">
      <Timeline state={state} player={player} tiles={tiles} />
      <div className="buttons">
        <Button name={playName(state)} icon={state.phase === "playing" ? "pause" : state.phase === "ended" ? "replay" : "play"} onPress={() => player.toggle()} />
        <Button name={silent ? strings.unmute : strings.mute} icon={silent ? "muted" : "volume"} onPress={() => player.toggleMute()} />
        <input
          className="volume"
          type="range"
          aria-label={strings.volume}
          min={0}
          max={1}
          step={0.05}
          value={silent ? 0 : state.volume}
          onChange={(event) => player.setVolume(Number(event.target.value))}
        />
        <span className="clock">
          {clock(state.positionS)} / {clock(Math.round(state.durationS))}
        </span>
        <span className="gap" />
        {state.sounds.length > 1 && <SoundMenu state={state} player={player} />}
        {state.texts.length > 0 && <TextMenu state={state} player={player} />}
        {state.qualities.length > 1 && <QualityMenu state={state} player={player} />}
        <Button
          name={fullscreen ? strings.leaveFullscreen : strings.fullscreen}
          icon={fullscreen ? "shrink" : "expand"}
          onPress={onFullscreen}
        />
      </div>
    </div>
  );
}

export function playName(state: PlayerState): string {
  if (state.phase === "playing") return strings.pause;
  return state.phase === "ended" ? strings.replay : strings.play;
}

function Button({ name, icon, onPress }: { name: string; icon: Parameters<typeof Icon>[0]["shape"]; onPress: () => void }) {
  return (
    <button type="button" aria-label={name} title={name} onClick={onPress}>
      <Icon shape={icon} />
    </button>
  );
}

function QualityMenu({ state, player }: { state: PlayerState; player: Player }) {
  const automatic = state.showing === null ? strings.automatic : `${strings.automatic} (${state.showing}p)`;
  const choose = (event: ChangeEvent<HTMLSelectElement>) =>
    player.choose(event.target.value === "auto" ? "auto" : Number(event.target.value));
  return (
    <select aria-label={strings.quality} value={state.quality} onChange={choose}>
      <option value="auto">{automatic}</option>
      {state.qualities.map(({ side }) => (
        <option key={side} value={side}>{`${side}p`}</option>
      ))}
    </select>
  );
}

function SoundMenu({ state, player }: { state: PlayerState; player: Player }) {
  return (
    <select aria-label={strings.sound} title={strings.sound} className="sound" value={state.sound ?? ""} onChange={(event) => player.hear(Number(event.target.value))}>
      {state.sounds.map(({ name, language }, place) => (
        <option key={place} value={place} lang={language}>
          {name}
        </option>
      ))}
    </select>
  );
}

function TextMenu({ state, player }: { state: PlayerState; player: Player }) {
  const choose = (event: ChangeEvent<HTMLSelectElement>) =>
    player.read(event.target.value === "off" ? null : Number(event.target.value));
  return (
    <select aria-label={strings.captions} title={strings.captions} className="captions" value={state.text ?? "off"} onChange={choose}>
      <option value="off">{strings.noCaptions}</option>
      {state.texts.map(({ name, language }, place) => (
        <option key={place} value={place} lang={language}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Timeline({ state, player, tiles }: Pick<Props, "state" | "player" | "tiles">) {
  const [hover, setHover] = useState<number | null>(null);
  const share = (part: number) => `${state.durationS > 0 ? (100 * part) / state.durationS : 0}%`;
  const follow = (event: PointerEvent<HTMLInputElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setHover(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
  };
  return (
    <div className="timeline">
      {hover !== null && state.durationS > 0 && <Preview share={hover} timeS={hover * state.durationS} tiles={tiles} />}
      <div className="track">
        <div className="buffered" style={{ width: share(state.bufferedS) }} />
        <div className="played" style={{ width: share(state.positionS) }} />
      </div>
      <input
        type="range"
        aria-label={strings.seek}
        aria-valuetext={`${clock(state.positionS)} ${strings.of} ${clock(state.durationS)}`}
        min={0}
        max={state.durationS || 1}
        step="any"
        value={state.positionS}
        disabled={state.durationS === 0}
        onChange={(event) => player.seek(Number(event.target.value))}
        onPointerMove={follow}
        onPointerLeave={() => setHover(null)}
      />
    </div>
  );
}

function Preview({ share, timeS, tiles }: { share: number; timeS: number; tiles: readonly Tile[] }) {
  const tile = tileAt(tiles, timeS);
  return (
    <div className="preview" style={{ left: `clamp(${tile ? tile.width / 2 : 24}px, ${share * 100}%, calc(100% - ${tile ? tile.width / 2 : 24}px))` }}>
      {tile && (
        <div
          className="tile"
          style={{ width: tile.width, height: tile.height, backgroundImage: `url("${tile.url}")`, backgroundPosition: `-${tile.x}px -${tile.y}px` }}
        />
      )}
      <span>{clock(timeS)}</span>
    </div>
  );
}
