import type { Call } from '@skiff/client'

const longest = 128

/** Who a write counts as: what it says itself, or the first word of its User-Agent. */
export const managerOf = (call: Call, fieldManager: string): string =>
  fieldManager || fromUserAgent(call.userAgent) || nearName(call) || 'unknown'

/** Headers come as Latin-1, which is what UTF-8 looks like when its bytes are taken for letters. */
const fromUserAgent = (agent: string | undefined): string => {
  const end = agent?.indexOf('/') ?? -1
  const name = end < 0 ? (agent ?? '') : (agent as string).slice(0, end)
  return /[^\x20-\x7e]/.test(name) || name.length > longest ? printable(Buffer.from(name, 'latin1').toString()) : name
}

const printable = (text: string): string => {
  let out = ''
  for (const char of text) {
    if (/[^\x20-\x7e\u00a1-\u{10ffff}]/u.test(char)) continue
    if (Buffer.byteLength(out) + Buffer.byteLength(char) > longest) break
    out += char
  }
  return out
}

/** Components within the process send no User-Agent: they are named as upstream's are. */
const nearName = ({ accept, identity: { name } }: Call): string => {
  if (accept !== undefined) return ''
  if (name.startsWith('system:serviceaccount:kube-system:')) return 'kube-controller-manager'
  if (name.startsWith('system:node:')) return 'kubelet'
  return name.startsWith('system:') ? (name.split(':').at(-1) as string) : ''
}
