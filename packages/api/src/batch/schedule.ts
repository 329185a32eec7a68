/** Words that stand for whole schedules. */
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Bounds {
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
  /** What the first name stands for. */
  readonly firstName: number
}
const fields: readonly Bounds[] = [
  { min: 0, max: 59, names: [], firstName: 0 },
  { min: 0, max: 23, names: [], firstName: 0 },
  { min: 1, max: 31, names: [], firstName: 0 },
  { min: 1, max: 12, names: months, firstName: 1 },
  { min: 0, max: 6, names: days, firstName: 0 },
]

/** What is wrong with a cron schedule, in the words of the parser that upstream uses; undefined when nothing is. */
export const scheduleFault = (schedule: string): string | undefined => {
  const text = schedule.replace(/^(TZ|CRON_TZ)=\S*\s*/, '').trim()
  if (text === '') return 'empty spec string'
  if (text.startsWith('@')) return descriptorFault(text)
  const parts = text.split(/\s+/)
  if (parts.length !== fields.length) return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`
  for (const [index, part] of parts.entries())
    for (const range of part.split(',').filter((each) => each !== '')) {
      const fault = rangeFault(range, fields[index] as Bounds)
      if (fault !== undefined) return fault
    }
  return undefined
}

const descriptorFault = (text: string): string | undefined => {
  if (descriptors.includes(text)) return undefined
  if (!text.startsWith('@every ')) return `unrecognized descriptor: ${text}`
  const duration = text.slice('@every '.length)
  return /^[+-]?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$/.test(duration)
    ? undefined
    : `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`
}

const rangeFault = (range: string, bounds: Bounds): string | undefined => {
  const steps = range.split('/')
  const ends = (steps[0] as string).split('-')
  const all = ends[0] === '*' || ends[0] === '?'
  if (!all && ends.length > 2) return `too many hyphens: ${range}`
  if (steps.length > 2) return `too many slashes: ${range}`
  const numbers = all ? [] : ends.map((end) => numberOf(end, bounds))
  for (const [index, value] of numbers.entries()) if (value === undefined) return wrongNumber(ends[index] as string)
  const step = steps.length === 2 ? numberOf(steps[1] as string) : 1
  if (step === undefined) return wrongNumber(steps[1] as string)
  const start = numbers[0] ?? bounds.min
  const end = numbers[1] ?? (all || steps.length === 2 ? bounds.max : start)
  if (start < bounds.min) return `beginning of range (${start}) below minimum (${bounds.min}): ${range}`
  if (end > bounds.max) return `end of range (${end}) above maximum (${bounds.max}): ${range}`
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${range}`
  return step === 0 ? `step of range should be a positive number: ${range}` : undefined
}

const numberOf = (text: string, bounds?: Bounds): number | undefined => {
  const name = bounds ? bounds.names.indexOf(text.toLowerCase()) : -1
  if (bounds && name >= 0) return name + bounds.firstName
  return /^\+?\d+$/.test(text) ? Number(text) : undefined
}
const wrongNumber = (text: string): string =>
  /^-\d+$/.test(text)
    ? `negative number (${Number(text)}) not allowed: ${text}`
    : `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
