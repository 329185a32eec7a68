// The names of Kubernetes and DNS, with the texts of apimachinery's util/validation. Each check gives the complaints, none if
// the value is well formed. The expressions are part of the texts; all of them run in linear time.

const none: readonly string[] = []
export type Complaints = readonly string[]

/** Length as Go counts it, in bytes; the count is only made when it can matter. */
const longer = (value: string, max: number): boolean => value.length * 3 > max && Buffer.byteLength(value) > max

export const maxLengthText = (max: number): string => `must be no more than ${max} characters`
export const rangeText = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`
/** `what (e.g. 'a',  or 'b', regex used for validation is '…')`: the odd spaces are upstream's. */
export const regexText = (what: string, expression: string, ...examples: readonly string[]): string =>
  examples.length === 0
    ? `${what} (regex used for validation is '${expression}')`
    : `${what} (e.g. ${examples.map((each) => `'${each}', `).join(' or ')}regex used for validation is '${expression}')`

/** A check of length and expression; both complaints may come. */
const check = (expression: string, what: string, examples: readonly string[], max = Number.POSITIVE_INFINITY) => {
  const compiled = new RegExp(`^(?:${expression})$`)
  const text = regexText(what, expression, ...examples)
  return (value: string): Complaints => {
    const tooLong = longer(value, max)
    if (compiled.test(value)) return tooLong ? [maxLengthText(max)] : none
    return tooLong ? [maxLengthText(max), text] : [text]
  }
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const alphanumericEnds = 'and must start and end with an alphanumeric character'

const dnsLabel = check(
  label,
  `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', ${alphanumericEnds}`,
  ['my-name', '123-abc'],
  63,
)
const dotted = new RegExp(`^${label}(\\.${label})+$`)

/** A DNS label: lower case, digits and dashes, at most 63 bytes. */
export const isDns1123Label = (value: string): Complaints => {
  const found = dnsLabel(value)
  return found.length > 0 && dotted.test(value) ? [...found.slice(0, -1), 'must not contain dots'] : found
}
export const isDns1123Subdomain = check(
  subdomain,
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', ${alphanumericEnds}`,
  ['example.com'],
  253,
)
const labelWithUnderscore = '[_a-z0-9]([-_a-z0-9]*[a-z0-9])?'
export const isDns1123SubdomainWithUnderscore = check(
  `${labelWithUnderscore}(\\.${labelWithUnderscore})*`,
  `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', ${alphanumericEnds}`,
  ['example.com'],
  253,
)
export const isDns1035Label = check(
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  ['my-name', 'abc-123'],
  63,
)
export const isWildcardDns1123Subdomain = check(
  `\\*\\.${subdomain}`,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  ['*.example.com'],
  253,
)
export const isCIdentifier = check(
  '[A-Za-z_][A-Za-z0-9_]*',
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  ['my_name', 'MY_NAME', 'MyName'],
)
export const isPercent = check('[0-9]+%', "a valid percent string must be a numeric string followed by an ending '%'", ['1%', '93%'])
export const isHttpHeaderName = check('[-A-Za-z0-9]+', "a valid HTTP header must consist of alphanumeric characters or '-'", [
  'X-Header-Name',
])
export const isConditionReason = check(
  '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?',
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  ['my_name', 'MY_NAME', 'MyName', 'ReasonA,ReasonB', 'ReasonA:ReasonB'],
)
/** An HTTP path after its host: no check of escapes. */
export const isHttpPath = check("[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", 'Invalid path', [])

const qualifiedName = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const qualifiedExamples = ['MyName', 'my.name', '123-abc']
const qualifiedText = `must consist of alphanumeric characters, '-', '_' or '.', ${alphanumericEnds}`
const namePart = check(qualifiedName, qualifiedText, qualifiedExamples, 63)

export const isLabelValue = check(
  `(${qualifiedName})?`,
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', ${alphanumericEnds}`,
  ['MyValue', 'my_value', '12345'],
  63,
)

/** A name with an optional DNS prefix: label keys, annotation keys, finalizers, condition types. */
export const isQualifiedName = (value: string): Complaints => {
  const slash = value.indexOf('/')
  if (slash >= 0 && value.indexOf('/', slash + 1) >= 0)
    return [
      `a qualified name ${regexText(qualifiedText, qualifiedName, ...qualifiedExamples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const name = slash < 0 ? value : value.slice(slash + 1)
  const complaints = namePart(name)
  const prefix = slash < 0 ? none : slash === 0 ? ['must be non-empty'] : isDns1123Subdomain(value.slice(0, slash))
  if (complaints.length === 0 && prefix.length === 0) return none
  return [
    ...prefix.map((each) => `prefix part ${each}`),
    ...(name === '' ? ['name part must be non-empty'] : none),
    ...complaints.map((each) => `name part ${each}`),
  ]
}

/** '.', '..' and what starts with '..' would leave a volume's folder. */
const leavesFolder = (value: string): Complaints => {
  if (value === '.' || value === '..') return [`must not be '${value}'`]
  return value.startsWith('..') ? ["must not start with '..'"] : none
}

const envVarName = check(
  '[-._a-zA-Z][-._a-zA-Z0-9]*',
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'],
)
export const isEnvVarName = (value: string): Complaints => [...envVarName(value), ...leavesFolder(value)]

/** The names that 1.33 takes for environment variables: any printable ASCII but '='. */
export const isRelaxedEnvVarName = (value: string): Complaints => {
  if (value === '') return ['environment variable name must be non-empty']
  return /^[ -<>-~]+$/.test(value)
    ? none
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

const configMapKey = check(
  '[-._a-zA-Z0-9]+',
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  ['key.name', 'KEY_NAME', 'key-name'],
  253,
)
/** A key of a ConfigMap or Secret. */
export const isConfigMapKey = (value: string): Complaints => {
  const complaints = configMapKey(value)
  const leaves = leavesFolder(value)
  return leaves.length === 0 ? complaints : [...complaints, ...leaves]
}
