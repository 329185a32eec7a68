import { quoted } from '@skiff/machinery'
import type { CustomResourceColumnDefinition, CustomResourceDefinitionVersion } from '../generated/types.ts'

/** Go shows where a pointer leads; it differs from run to run. */
const somewhere = '0xc000000000'

interface Hoisted {
  readonly schema: boolean
  readonly subresources: boolean
  readonly columns: boolean
  readonly selectable: boolean
}

const type = 'apiextensions.CustomResourceDefinitionVersion'

/** The versions of a definition as Go's %#v shows them, less what all of them have alike. */
export const goVersions = (versions: readonly CustomResourceDefinitionVersion[], hoisted: Hoisted): string =>
  `[]${type}{${versions.map((version) => goVersion(version, hoisted)).join(', ')}}`

const pointer = (of: string, is: boolean): string => `(*${of})(${is ? somewhere : 'nil'})`

const goVersion = (version: CustomResourceDefinitionVersion, hoisted: Hoisted): string => {
  const { name, served, storage, deprecated, deprecationWarning, schema, subresources, additionalPrinterColumns, selectableFields } =
    version
  const fields = {
    Name: quoted(name ?? ''),
    Served: served ?? false,
    Storage: storage ?? false,
    Deprecated: deprecated ?? false,
    DeprecationWarning: pointer('string', deprecationWarning !== undefined),
    Schema: pointer('apiextensions.CustomResourceValidation', !hoisted.schema && schema !== undefined),
    Subresources: pointer('apiextensions.CustomResourceSubresources', !hoisted.subresources && subresources !== undefined),
    AdditionalPrinterColumns: goList(
      'CustomResourceColumnDefinition',
      hoisted.columns ? [] : (additionalPrinterColumns ?? []).map(goColumn),
    ),
    SelectableFields: goList(
      'SelectableField',
      hoisted.selectable ? [] : (selectableFields ?? []).map(({ jsonPath }) => `JSONPath:${quoted(jsonPath ?? '')}`),
    ),
  }
  return `${type}{${Object.entries(fields)
    .map(([field, value]) => `${field}:${value}`)
    .join(', ')}}`
}

const goList = (of: string, items: readonly string[]): string =>
  items.length === 0
    ? `[]apiextensions.${of}(nil)`
    : `[]apiextensions.${of}{${items.map((item) => `apiextensions.${of}{${item}}`).join(', ')}}`

const goColumn = ({ name, type: of, format, description, priority, jsonPath }: CustomResourceColumnDefinition): string =>
  `Name:${quoted(name ?? '')}, Type:${quoted(of ?? '')}, Format:${quoted(format ?? '')}, Description:${quoted(description ?? '')}, Priority:${priority ?? 0}, JSONPath:${quoted(jsonPath ?? '')}`
