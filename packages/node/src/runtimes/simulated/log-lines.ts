/** A line as the container runtime interface writes it to a log file. */
export const criLine = (atMs: number, stream: 'stdout' | 'stderr', text: string): string => {
  const seconds = new Date(atMs).toISOString().slice(0, 19)
  const fraction = String(Math.floor((atMs % 1000) * 1e6)).padStart(9, '0')
  return `${seconds}.${fraction}Z ${stream} F ${text}\n`
}
