import type { EndpointSlice, Namespace, Service } from '@skiff/api'
import type { View } from '@skiff/client'
import { expectTypeOf, test } from 'vitest'
import type { EndpointSliceObject, NamespaceObject, ServiceObject } from './objects.ts'
import type { Watched } from './watched.ts'

test('a view of the client is a source for the network', () => {
  expectTypeOf<View<Service>>().toExtend<Watched<ServiceObject>>()
  expectTypeOf<View<EndpointSlice>>().toExtend<Watched<EndpointSliceObject>>()
  expectTypeOf<View<Namespace>>().toExtend<Watched<NamespaceObject>>()
})
