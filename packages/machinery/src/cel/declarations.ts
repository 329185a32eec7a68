import {
  boolType,
  dynType,
  listType,
  mapType,
  objectType,
  opaqueType,
  optionalType,
  paramType,
  type StaticType,
  simpleType,
  typeType,
} from './static-types.ts'

/** One way to call a function. */
export interface Overload {
  readonly id: string
  /** Called on its first argument. */
  readonly member: boolean
  readonly args: readonly StaticType[]
  readonly result: StaticType
  readonly generic: boolean
}

const opaque: Readonly<Record<string, string>> = { ip: 'net.IP', cidr: 'net.CIDR' }
const objects: Readonly<Record<string, string>> = {
  url: 'kubernetes.URL',
  quantity: 'kubernetes.Quantity',
  format: 'kubernetes.NamedFormat',
  Authorizer: 'kubernetes.authorization.Authorizer',
  PathCheck: 'kubernetes.authorization.PathCheck',
  GroupCheck: 'kubernetes.authorization.GroupCheck',
  ResourceCheck: 'kubernetes.authorization.ResourceCheck',
  Decision: 'kubernetes.authorization.Decision',
}

/** `list<A>`, `map<string,int>`, `opt<A>`, a single capital letter for a parameter. */
const readType = (text: string): StaticType => {
  const inner = /^(\w+)<(.*)>$/.exec(text)
  if (inner) {
    const [first, second] = splitTop(inner[2] as string).map(readType) as [StaticType, StaticType]
    switch (inner[1]) {
      case 'list':
        return listType(first)
      case 'map':
        return mapType(first, second)
      case 'opt':
        return optionalType(first)
      default:
        return typeType(first)
    }
  }
  if (/^[A-Z]$/.test(text)) return paramType(text)
  if (text === 'dyn') return dynType
  if (text === 'bool') return boolType
  if (opaque[text]) return opaqueType(opaque[text])
  return objects[text] ? objectType(objects[text], fieldsOf(text)) : simpleType(text)
}

/** Only what cel-go calls a variable of its own, `authorizer.requestResource`, looks like a field. */
const fieldsOf = (text: string): ReadonlyMap<string, StaticType> =>
  text === 'Authorizer' ? new Map([['requestResource', readType('ResourceCheck')]]) : new Map()

const splitTop = (text: string): string[] => {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '<') depth++
    else if (text[at] === '>') depth--
    else if ((text[at] === ',' && depth === 0) || at === text.length) {
      if (at > from) parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  return parts
}

/** `id(types)type`, with a dot before the id of what is called on its first argument. */
const readOverload = (text: string): Overload => {
  const [, dot, id, args, result] = /^(\.?)([\w-]+)\((.*)\)(\S+)$/.exec(text) as unknown as [string, string, string, string, string]
  return {
    id,
    member: dot === '.',
    args: splitTop(args).map(readType),
    result: readType(result),
    generic: /[^\w][A-Z]\b|\b[A-Z]\b/.test(text),
  }
}

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'duration', 'timestamp']
const compared = (name: string): string =>
  [
    'bool,bool',
    'int,int',
    'int,double',
    'int,uint',
    'uint,uint',
    'uint,double',
    'uint,int',
    'double,double',
    'double,int',
    'double,uint',
    'string,string',
    'bytes,bytes',
    'timestamp,timestamp',
    'duration,duration',
  ]
    .map((pair) => {
      const [a, b] = pair.split(',')
      return `${name}_${a === b ? a : `${a}_${b}`}(${pair})bool`
    })
    .join(' ')
const converted = (to: string, ...from: readonly string[]): string => from.map((each) => `${each}_to_${to}(${each})${to}`).join(' ')
const timed = (name: string, ofDuration = false): string =>
  `.timestamp_to_${name}(timestamp)int .timestamp_to_${name}_with_tz(timestamp,string)int${ofDuration ? ` .duration_to_${name}(duration)int` : ''}`
const overItems = (name: string, of: readonly string[], result?: string): string =>
  of.map((each) => `.list_${each}_${name}(list<${each}>)${result ?? each}`).join(' ')
const sized = (type: string, of: string): string => `size_${type}(${of})int .${type}_size(${of})int`
const methods = (type: string, result: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `.${type}_${name}(${type})${result}`]))

const operators = {
  '_?_:_': 'conditional(bool,A,A)A',
  '_&&_': 'logical_and(bool,bool)bool',
  '_||_': 'logical_or(bool,bool)bool',
  '!_': 'logical_not(bool)bool',
  '_==_': 'equals(A,A)bool',
  '_!=_': 'not_equals(A,A)bool',
  '_<_': compared('less'),
  '_<=_': compared('less_equals'),
  '_>_': compared('greater'),
  '_>=_': compared('greater_equals'),
  '_+_':
    'add_bytes(bytes,bytes)bytes add_double(double,double)double add_duration_duration(duration,duration)duration add_duration_timestamp(duration,timestamp)timestamp add_timestamp_duration(timestamp,duration)timestamp add_int64(int,int)int add_list(list<A>,list<A>)list<A> add_string(string,string)string add_uint64(uint,uint)uint',
  '_-_':
    'subtract_double(double,double)double subtract_duration_duration(duration,duration)duration subtract_int64(int,int)int subtract_timestamp_duration(timestamp,duration)timestamp subtract_timestamp_timestamp(timestamp,timestamp)duration subtract_uint64(uint,uint)uint',
  '_*_': 'multiply_double(double,double)double multiply_int64(int,int)int multiply_uint64(uint,uint)uint',
  '_/_': 'divide_double(double,double)double divide_int64(int,int)int divide_uint64(uint,uint)uint',
  '_%_': 'modulo_int64(int,int)int modulo_uint64(uint,uint)uint',
  '-_': 'negate_double(double)double negate_int64(int)int',
  '@in': 'in_list(A,list<A>)bool in_map(A,map<A,B>)bool',
  '_[_]':
    'index_list(list<A>,int)A index_map(map<A,B>,A)B optional_list_index_value(opt<list<A>>,int)opt<A> optional_map_index_value(opt<map<A,B>>,A)opt<B>',
  '_[?_]':
    'list_optindex_optional_int(list<A>,int)opt<A> optional_list_optindex_optional_int(opt<list<A>>,int)opt<A> map_optindex_optional_value(map<A,B>,A)opt<B> optional_map_optindex_optional_value(opt<map<A,B>>,A)opt<B>',
}

const standard = {
  size: [sized('bytes', 'bytes'), sized('list', 'list<A>'), sized('map', 'map<A,B>'), sized('string', 'string')].join(' '),
  type: 'type(A)type<A>',
  dyn: 'to_dyn(A)dyn',
  bool: converted('bool', 'bool', 'string'),
  bytes: converted('bytes', 'bytes', 'string'),
  double: converted('double', 'double', 'int', 'string', 'uint'),
  duration: converted('duration', 'duration', 'int', 'string'),
  int: converted('int', 'int', 'double', 'duration', 'string', 'timestamp', 'uint'),
  string: converted('string', 'string', 'bool', 'bytes', 'double', 'duration', 'int', 'timestamp', 'uint', 'ip', 'cidr'),
  timestamp: converted('timestamp', 'timestamp', 'int', 'string'),
  uint: converted('uint', 'uint', 'double', 'int', 'string'),
  contains: '.contains_string(string,string)bool',
  endsWith: '.ends_with_string(string,string)bool',
  startsWith: '.starts_with_string(string,string)bool',
  matches: 'matches(string,string)bool .matches_string(string,string)bool',
  getFullYear: timed('year'),
  getMonth: timed('month'),
  getDayOfYear: timed('day_of_year'),
  getDayOfMonth: timed('day_of_month'),
  getDate: timed('day_of_month_1_based'),
  getDayOfWeek: timed('day_of_week'),
  getHours: timed('hours', true),
  getMinutes: timed('minutes', true),
  getSeconds: timed('seconds', true),
  getMilliseconds: timed('milliseconds', true),
}

const texts = {
  charAt: '.string_char_at_int(string,int)string',
  indexOf: '.string_index_of_string(string,string)int .string_index_of_string_int(string,string,int)int .list_a_index_of_int(list<A>,A)int',
  lastIndexOf:
    '.string_last_index_of_string(string,string)int .string_last_index_of_string_int(string,string,int)int .list_a_last_index_of_int(list<A>,A)int',
  join: '.list_join(list<string>)string .list_join_string(list<string>,string)string',
  lowerAscii: '.string_lower_ascii(string)string',
  upperAscii: '.string_upper_ascii(string)string',
  replace: '.string_replace_string_string(string,string,string)string .string_replace_string_string_int(string,string,string,int)string',
  split: '.string_split_string(string,string)list<string> .string_split_string_int(string,string,int)list<string>',
  substring: '.string_substring_int(string,int)string .string_substring_int_int(string,int,int)string',
  trim: '.string_trim(string)string',
  format: '.string_format(string,list<dyn>)string',
  'strings.quote': 'strings_quote(string)string',
  find: '.string_find_string(string,string)string',
  findAll: '.string_find_all_string(string,string)list<string> .string_find_all_string_int(string,string,int)list<string>',
}

const collections = {
  isSorted: overItems('is_sorted_bool', ordered, 'bool'),
  sum: overItems('sum', ['int', 'uint', 'double', 'duration']),
  max: overItems('max', ordered),
  min: overItems('min', ordered),
  'sets.contains': 'list_sets_contains_list(list<A>,list<A>)bool',
  'sets.equivalent': 'list_sets_equivalent_list(list<A>,list<A>)bool',
  'sets.intersects': 'list_sets_intersects_list(list<A>,list<A>)bool',
  'optional.of': 'optional_of(A)opt<A>',
  'optional.ofNonZeroValue': 'optional_ofNonZeroValue(A)opt<A>',
  'optional.none': 'optional_none()opt<A>',
  hasValue: '.optional_hasValue(opt<A>)bool',
  value: '.optional_value(opt<A>)A',
  or: '.optional_or_optional(opt<A>,opt<A>)opt<A>',
  orValue: '.optional_orValue_value(opt<A>,A)A',
}

const formats = [
  'dns1123Label',
  'dns1123Subdomain',
  'dns1035Label',
  'qualifiedName',
  'dns1123LabelPrefix',
  'dns1123SubdomainPrefix',
  'dns1035LabelPrefix',
  'labelValue',
  'uri',
  'uuid',
  'byte',
  'date',
  'datetime',
]

const kubernetes = {
  url: 'string_to_url(string)url',
  isURL: 'is_url_string(string)bool',
  ...methods('url', 'string', ['getScheme', 'getHost', 'getHostname', 'getPort', 'getEscapedPath']),
  getQuery: '.url_get_query(url)map<string,list<string>>',
  quantity: 'string_to_quantity(string)quantity',
  isQuantity: 'is_quantity_string(string)bool',
  sign: '.quantity_sign(quantity)int',
  isInteger: '.quantity_is_integer(quantity)bool',
  asInteger: '.quantity_as_integer(quantity)int',
  asApproximateFloat: '.quantity_as_float(quantity)double',
  isGreaterThan: '.quantity_is_greater_than(quantity,quantity)bool',
  isLessThan: '.quantity_is_less_than(quantity,quantity)bool',
  compareTo: '.quantity_compare_to(quantity,quantity)int',
  add: '.quantity_add(quantity,quantity)quantity .quantity_add_int(quantity,int)quantity',
  sub: '.quantity_sub(quantity,quantity)quantity .quantity_sub_int(quantity,int)quantity',
  ip: 'string_to_ip(string)ip .cidr_ip(cidr)ip',
  isIP: 'is_ip(string)bool',
  'ip.isCanonical': 'ip_is_canonical(string)bool',
  family: '.ip_family(ip)int',
  ...methods('ip', 'bool', ['isUnspecified', 'isLoopback', 'isLinkLocalMulticast', 'isLinkLocalUnicast', 'isGlobalUnicast']),
  cidr: 'string_to_cidr(string)cidr',
  isCIDR: 'is_cidr(string)bool',
  containsIP: '.cidr_contains_ip_string(cidr,string)bool .cidr_contains_ip_ip(cidr,ip)bool',
  containsCIDR: '.cidr_contains_cidr_string(cidr,string)bool .cidr_contains_cidr(cidr,cidr)bool',
  prefixLength: '.cidr_prefix_length(cidr)int',
  masked: '.cidr_masked(cidr)cidr',
  'format.named': 'format-named(string)opt<format>',
  validate: '.format-validate(format,string)opt<list<string>>',
  ...Object.fromEntries(formats.map((name) => [`format.${name}`, `format-${name}()format`])),
}

const narrowing = (name: string): string => `.resourcecheck_${name}(ResourceCheck,string)ResourceCheck`
const authorization = {
  path: '.authorizer_path(Authorizer,string)PathCheck',
  group: '.authorizer_group(Authorizer,string)GroupCheck',
  serviceAccount: '.authorizer_serviceaccount(Authorizer,string,string)Authorizer',
  resource: '.groupcheck_resource(GroupCheck,string)ResourceCheck',
  subresource: narrowing('subresource'),
  namespace: narrowing('namespace'),
  name: narrowing('name'),
  fieldSelector: '.authorizer_fieldselector(ResourceCheck,string)ResourceCheck',
  labelSelector: '.authorizer_labelselector(ResourceCheck,string)ResourceCheck',
  check: '.pathcheck_check(PathCheck,string)Decision .resourcecheck_check(ResourceCheck,string)Decision',
  ...methods('Decision', 'bool', ['errored', 'allowed']),
  ...methods('Decision', 'string', ['error', 'reason']),
}

const table = new Map(
  Object.entries({ ...operators, ...standard, ...texts, ...collections, ...kubernetes, ...authorization }).map(
    ([name, text]) => [name, text.split(' ').map(readOverload)] as const,
  ),
)

/** How a function may be called, in the version of the language that rules are written in; undefined for one that is not there. */
export const overloadsOf = (name: string): readonly Overload[] | undefined => table.get(name)

export { readType as typeOfText }
