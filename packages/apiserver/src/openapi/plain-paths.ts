import { idOf, type Route, tagOf } from './route.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const mediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

const discovery = (path: string, id: string, tag: string, description: string, answer: string): Route => ({
  path,
  method: 'get',
  id,
  tag,
  description,
  parameters: [],
  consumes: mediaTypes,
  produces: mediaTypes,
  codes: ['200'],
  answer: { ref: `${meta}${answer}` },
})

/** What is no resource, by its name in the index of version 3; group versions are discovered with their resources. */
export const plainPaths: Readonly<Record<string, readonly Route[]>> = {
  api: [discovery('/api/', 'getCoreAPIVersions', 'core', 'get available API versions', 'APIVersions')],
  apis: [discovery('/apis/', 'getAPIVersions', 'apis', 'get available API versions', 'APIGroupList')],
  version: [
    {
      ...discovery('/version/', 'getCodeVersion', 'version', 'get the version information for this server', ''),
      consumes: ['application/json'],
      produces: ['application/json'],
      answer: { ref: 'io.k8s.apimachinery.pkg.version.Info' },
    },
  ],
  '.well-known/openid-configuration': [
    {
      ...discovery(
        '/.well-known/openid-configuration/',
        'getServiceAccountIssuerOpenIDConfiguration',
        'WellKnown',
        "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        '',
      ),
      consumes: [],
      produces: ['application/json'],
      answer: { type: 'string' },
    },
  ],
  'openid/v1/jwks': [
    {
      ...discovery(
        '/openid/v1/jwks/',
        'getServiceAccountIssuerOpenIDKeyset',
        'openid',
        'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
        '',
      ),
      consumes: [],
      produces: ['application/jwk-set+json'],
      answer: { type: 'string' },
    },
  ],
}

/** What tells of a group; custom groups have none. */
export const groupRoute = (group: string): Route =>
  discovery(`/apis/${group}/`, `get${idOf(group)}APIGroup`, tagOf(group), 'get information of a group', 'APIGroup')

export const versionRoute = (group: string, version: string): Route =>
  discovery(
    `${group === '' ? '/api' : `/apis/${group}`}/${version}/`,
    `get${idOf(group, version)}APIResources`,
    tagOf(group, version),
    'get available resources',
    'APIResourceList',
  )
