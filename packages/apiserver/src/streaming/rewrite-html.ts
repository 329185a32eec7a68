import { Transform } from 'node:stream'
import { scanTag, type Tag } from './html-tag.ts'

/** The attributes that hold a URL, as upstream's proxy has them. */
const urlAttributes = new Map<string, readonly string[]>(
  Object.entries({
    a: ['href'],
    applet: ['codebase'],
    area: ['href'],
    audio: ['src'],
    base: ['href'],
    blockquote: ['cite'],
    body: ['background'],
    button: ['formaction'],
    command: ['icon'],
    del: ['cite'],
    embed: ['src'],
    form: ['action'],
    frame: ['longdesc', 'src'],
    head: ['profile'],
    html: ['manifest'],
    iframe: ['longdesc', 'src'],
    img: ['longdesc', 'src', 'usemap'],
    input: ['src', 'usemap', 'formaction'],
    ins: ['cite'],
    link: ['href'],
    object: ['classid', 'codebase', 'data', 'usemap'],
    q: ['cite'],
    script: ['src'],
    source: ['src'],
    video: ['poster', 'src'],
  }),
)
/** Elements whose content is text up to their end tag, whatever it looks like. */
const rawText = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes'])
/** A tag or comment longer than this is passed on as it is. */
const longestBytes = 16_384

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", '#34': '"', '#x27': "'" }
const decodeEntities = (text: string): string =>
  text.replace(/&(#?\w+);/g, (whole, name: string) => (Object.hasOwn(named, name) ? (named[name] ?? whole) : whole))
const encodeEntities = (text: string): string =>
  text.replace(/[&"<>]/g, (char) => `&${{ '&': 'amp', '"': 'quot', '<': 'lt', '>': 'gt' }[char]};`)

const rewriteTag = (text: string, at: number, tag: Tag, rewrite: (url: string) => string): string => {
  const wanted = urlAttributes.get(tag.name) ?? []
  let out = ''
  let done = at
  for (const { name, from, to } of tag.attributes) {
    if (!wanted.includes(name)) continue
    const raw = text.slice(from, to)
    const before = decodeEntities(/^["']/.test(raw) ? raw.slice(1, -1) : raw)
    const after = rewrite(before)
    if (after === before) continue
    out += `${text.slice(done, from)}"${encodeEntities(after)}"`
    done = to
  }
  return out + text.slice(done, tag.end)
}

/** Where the text is in the document: between tags, or inside of what ends only with `until`. */
type Place = { readonly until: string; readonly plain: boolean } | undefined

/**
 * A Transform of HTML that rewrites every URL that a tag holds and leaves all other bytes alone. It keeps at most one
 * unfinished tag.
 */
export const rewriteHtml = (rewrite: (url: string) => string): Transform => {
  let held = ''
  let place: Place

  /** Takes text up to where the place ends; what might be the beginning of that end is held. */
  const passRaw = ({ until, plain }: NonNullable<Place>): string => {
    const found = (plain ? held.toLowerCase() : held).indexOf(until)
    const take = found < 0 ? Math.max(0, held.length - until.length + 1) : found + (plain ? 0 : until.length)
    const out = held.slice(0, take)
    held = held.slice(take)
    if (found >= 0) place = undefined
    return out
  }
  /** Takes the markup at the head of the text; undefined when more is needed to tell what it is. */
  const takeMarkup = (last: boolean): string | undefined => {
    const pass = (bytes: number): string => {
      const out = held.slice(0, bytes)
      held = held.slice(bytes)
      return out
    }
    if (held.startsWith('<!--')) {
      place = { until: '-->', plain: false }
      return pass(4)
    }
    if ('<!--'.startsWith(held) && !last) return undefined
    if (/^<[!?/]/.test(held)) {
      place = { until: '>', plain: false }
      return pass(2)
    }
    if (!/^<[a-zA-Z]/.test(held)) return pass(1)
    const tag = scanTag(held, 0)
    if (tag === undefined) return held.length > longestBytes || last ? pass(1) : undefined
    const out = rewriteTag(held, 0, tag, rewrite)
    held = held.slice(tag.end)
    if (rawText.has(tag.name)) place = { until: `</${tag.name}`, plain: true }
    return out
  }
  const flow = (last: boolean): string => {
    let out = ''
    while (held !== '') {
      if (place !== undefined) {
        out += passRaw(place)
        if (place !== undefined) break
        continue
      }
      const next = held.indexOf('<')
      out += next < 0 ? held : held.slice(0, next)
      held = next < 0 ? '' : held.slice(next)
      if (held === '') break
      const markup = takeMarkup(last)
      if (markup === undefined) break
      out += markup
    }
    return out
  }
  return new Transform({
    // latin1 gives each byte a character and back, so that what is no markup survives in any encoding that is a superset of ASCII.
    transform(chunk: Buffer, _encoding, done) {
      held += chunk.toString('latin1')
      done(null, Buffer.from(flow(false), 'latin1'))
    },
    flush(done) {
      const rest = flow(true) + held
      done(null, Buffer.from(rest, 'latin1'))
    },
  })
}
