import { type Complaints, maxLengthText, rangeText } from './syntax.ts'

const none: readonly string[] = []

export const isInRange = (value: number, low: number, high: number): Complaints =>
  value >= low && value <= high ? none : [rangeText(low, high)]
export const isPortNumber = (port: number): Complaints => isInRange(port, 1, 65535)
/** A user or group id. */
export const isUserId = (id: number): Complaints => isInRange(id, 0, 2 ** 31 - 1)

/** An IANA service name: 15 of a-z, 0-9 and single dashes inside, one letter at least. */
export const isPortName = (port: string): Complaints => {
  const complaints: string[] = []
  if (Buffer.byteLength(port) > 15) complaints.push(maxLengthText(15))
  if (!/^[-a-z0-9]+$/.test(port)) complaints.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(port)) complaints.push('must contain at least one letter (a-z)')
  if (port.includes('--')) complaints.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) complaints.push('must not begin or end with a hyphen')
  return complaints
}
