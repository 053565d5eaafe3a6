package memstore_test

import (
	"testing"

	"pagerd/gateway/store/memstore"
	"pagerd/gateway/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness { return storetest.Harness{Store: memstore.New()} })
}
