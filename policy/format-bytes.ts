import prettyBytes from 'pretty-bytes';

/** 1234567 bytes as `1.2 MiB`. */
export function formatBytes(bytes: number): string {
  return prettyBytes(bytes, { binary: true, maximumFractionDigits: 1 });
}
