import { type GateFacts, type GateName, knownGates } from './known.ts'

/** Which features are on: resolved once at start, then read as plain properties. */
export type Gates = Readonly<Record<GateName, boolean>>

const facts: Readonly<Record<string, GateFacts>> = knownGates

// What strconv.ParseBool takes.
const truths: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true]),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false]),
])

/** Go's reading of a truth value; undefined for any other text. */
export const parseGoBool = (text: string): boolean | undefined => (Object.hasOwn(truths, text) ? truths[text] : undefined)

/** What Go says of a text that is no truth value. */
export const notGoBool = (text: string): string => `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`

/** Reads `A=true,B=false`; of a gate named twice the last counts. Throws an Error with upstream's text. */
export const parseFeatureGates = (text: string): ReadonlyMap<string, boolean> => {
  const given = new Map<string, boolean>()
  for (const part of text.split(',')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = (at < 0 ? part : part.slice(0, at)).trim()
    if (at < 0) throw new Error(`missing bool value for ${name}`)
    const value = part.slice(at + 1).trim()
    const on = parseGoBool(value)
    if (on === undefined) throw new Error(`invalid value of ${name}=${value}, err: ${notGoBool(value)}`)
    given.set(name, on)
  }
  return given
}

/** All gates with the given ones set. Throws an Error with upstream's text for an unknown gate and for a locked one. */
export const resolveGates = (given: ReadonlyMap<string, boolean>): Gates => {
  const wrong: string[] = []
  for (const [name, on] of given) {
    const gate = Object.hasOwn(facts, name) ? facts[name] : undefined
    if (!gate) throw new Error(`unrecognized feature gate: ${name}`)
    if (gate.locked && gate.default !== on) wrong.push(`cannot set feature gate ${name} to ${on}, feature is locked to ${gate.default}`)
  }
  if (wrong.length > 0) throw new Error(wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`)
  const ofStage: Readonly<Record<string, boolean | undefined>> = { ALPHA: given.get('AllAlpha'), BETA: given.get('AllBeta') }
  const resolved = Object.entries(facts).map(([name, gate]) => [name, given.get(name) ?? forAll(name, ofStage[gate.stage]) ?? gate.default])
  return Object.freeze(Object.fromEntries(resolved)) as Gates
}

/** AllAlpha and AllBeta set what is not named itself, but not each other. */
const forAll = (name: string, on: boolean | undefined): boolean | undefined => (name === 'AllAlpha' || name === 'AllBeta' ? undefined : on)

/** What 1.33 has on. */
export const defaultGates: Gates = resolveGates(new Map())

/** What upstream logs of gates that somebody sets though they will go. */
export const gateWarnings = (given: ReadonlyMap<string, boolean>): readonly string[] =>
  [...given].flatMap(([name, on]) => {
    const stage = facts[name]?.stage
    if (stage !== '' && stage !== 'DEPRECATED') return []
    return [`Setting ${stage === '' ? 'GA' : 'deprecated'} feature gate ${name}=${on}. It will be removed in a future release.`]
  })

/** Gates of a flag's text. */
export const gatesOf = (text: string): Gates => (text === '' ? defaultGates : resolveGates(parseFeatureGates(text)))
