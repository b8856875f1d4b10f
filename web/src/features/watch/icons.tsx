// The player's pictograms: drawn here, so that no font and no further request is needed.

const SHAPES = {
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zm6 0h4v14h-4z",
  replay: "M12 5V1L6 6l6 5V7a5 5 0 1 1-5 5H5a7 7 0 1 0 7-7z",
  volume: "M4 9v6h4l5 5V4L8 9zm11.5-1.5v9a5 5 0 0 0 0-9z",
  muted: "M4 9v6h4l5 5V4L8 9zm11.3.7-1 1 1.8 1.8-1.8 1.8 1 1 1.8-1.8 1.8 1.8 1-1-1.8-1.8 1.8-1.8-1-1-1.8 1.8z",
  expand: "M5 5h6v2H7v4H5zm8 0h6v6h-2V7h-4zM5 13h2v4h4v2H5zm12 0h2v6h-6v-2h4z",
  like: "M2 21h3V10H2zm20-10a2 2 0 0 0-2-2h-6l1-4.5c.1-1-1-2-2-1.5l-5 7V21h9.5c.8 0 1.5-.5 1.8-1.2l2.6-6.6c.1-.2.1-.4.1-.7z",
  dislike: "M22 3h-3v11h3zM2 13c0 1.1.9 2 2 2h6l-1 4.5c-.1 1 1 2 2 1.5l5-7V3H6.5c-.8 0-1.5.5-1.8 1.2l-2.6 6.6c-.1.2-.1.4-.1.7z",
  shrink: "M9 5h2v6H5V9h4zm4 0h2v4h4v2h-6zM5 13h6v6H9v-4H5zm8 0h6v2h-4v4h-2z",
} as const;

export function Icon({ shape }: { shape: keyof typeof SHAPES }) {
  return (
    <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path fill="currentColor" d={SHAPES[shape]} />
    </svg>
  );
}
