// What a key does while the player has the focus of the page. Pure.

export type Command =
  | { do: "toggle" }
  | { do: "mute" }
  | { do: "fullscreen" }
  | { do: "skip"; seconds: number }
  | { do: "louder"; by: number }
  | { do: "jump"; share: number };

/** null: the key is not ours. */
export function commandOf(key: string): Command | null {
  if (/^[0-9]$/.test(key)) return { do: "jump", share: Number(key) / 10 };
  switch (key) {
    case " ":
    case "k":
      return { do: "toggle" };
    case "m":
      return { do: "mute" };
    case "f":
      return { do: "fullscreen" };
    case "ArrowLeft":
      return { do: "skip", seconds: -5 };
    case "ArrowRight":
      return { do: "skip", seconds: 5 };
    case "j":
      return { do: "skip", seconds: -10 };
    case "l":
      return { do: "skip", seconds: 10 };
    case "ArrowUp":
      return { do: "louder", by: 0.1 };
    case "ArrowDown":
      return { do: "louder", by: -0.1 };
    default:
      return null;
  }
}
