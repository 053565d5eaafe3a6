// Package storetest is the definition of the store contract: Run is what every backend passes.
//
// It promises to test only what package store says, so that a backend's own test is a few lines: how to open it, how to
// open it again and how to make its writes fail.
package storetest

import (
	"testing"

	"pagerd/gateway/store"
)

// Harness is a fresh, empty store and what can be done to it beside its methods.
type Harness struct {
	Store store.Store
	// Reopen closes the store and opens what it left behind; nil for a store that keeps nothing. What it returns is the
	// harness's store from then on, and the backend's test closes it.
	Reopen func() store.Store
	// FailWrite makes the n-th write (1 = the first) of the change with this Op fail once; hit reports whether it came to
	// that. Nil for a store whose writes cannot fail.
	FailWrite func(op string, n int) (hit func() bool)
	// Gather runs during, which commits n changes from goroutines of its own, so that they are stored together where the
	// backend stores changes together. Nil = during is simply called.
	Gather func(n int, during func())
}

// Run runs the whole contract, each case on a store of its own.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, h Harness)
	}{
		{"EmptyStoreKnowsNothing", emptyStoreKnowsNothing},
		{"CommitStoresEverythingOfAChange", commitStoresEverythingOfAChange},
		{"PageVersionsFollowEachOther", pageVersionsFollowEachOther},
		{"AlertVersionsFollowEachOther", alertVersionsFollowEachOther},
		{"VersionsArriveInAnyOrder", versionsArriveInAnyOrder},
		{"IncidentVersionsFollowEachOther", incidentVersionsFollowEachOther},
		{"RefusedChangeStoresNothing", refusedChangeStoresNothing},
		{"ImpossibleChangeIsRefused", impossibleChangeIsRefused},
		{"OperationIsAppliedOnce", operationIsAppliedOnce},
		{"GroupHasOneOpenPage", groupHasOneOpenPage},
		{"GroupPrefersTheOpenPage", groupPrefersTheOpenPage},
		{"RaceForAGroupMakesOnePage", raceForAGroupMakesOnePage},
		{"RaceForAVersionHasOneWinner", raceForAVersionHasOneWinner},
		{"NumbersStartAt1001AndNeverRepeat", numbersStartAt1001AndNeverRepeat},
		{"AlertMovesToAnotherPage", alertMovesToAnotherPage},
		{"FiringAlertsComeFirst", firingAlertsComeFirst},
		{"PagesAreListedNewestFirst", pagesAreListedNewestFirst},
		{"IncidentsAreListedNewestFirst", incidentsAreListedNewestFirst},
		{"TimelineKeepsItsChain", timelineKeepsItsChain},
		{"SentIsKeptNewestFirst", sentIsKeptNewestFirst},
		{"ReturnedValuesAreCopies", returnedValuesAreCopies},
		{"CommittedValuesAreCopies", committedValuesAreCopies},
		{"HighWaterNeverFalls", highWaterNeverFalls},
		{"WakeFollowsACommit", wakeFollowsACommit},
		{"CanceledCallerGetsAnError", canceledCallerGetsAnError},
		{"ClosedStoreIsUnavailable", closedStoreIsUnavailable},

		{"DueIsAReadInOrder", dueIsAReadInOrder},
		{"DueFollowsThePage", dueFollowsThePage},
		{"NextIsTheEarliestInstant", nextIsTheEarliestInstant},
		{"NextAgreesWithClaim", nextAgreesWithClaim},

		{"ClaimTakesALaneTogether", claimTakesALaneTogether},
		{"ClaimServesTheWorstFirst", claimServesTheWorstFirst},
		{"ClaimHonoursItsLimits", claimHonoursItsLimits},
		{"ClaimChoosesChannels", claimChoosesChannels},
		{"ClaimWaitsUntilVisible", claimWaitsUntilVisible},
		{"WindowMakesBundles", windowMakesBundles},
		{"WindowSparesSEV1AndRetries", windowSparesSEV1AndRetries},
		{"LeaseEndsAndTheSameSetIsClaimed", leaseEndsAndTheSameSetIsClaimed},
		{"RenewedLeaseHolds", renewedLeaseHolds},
		{"ReleasedClaimIsVisibleAtOnce", releasedClaimIsVisibleAtOnce},
		{"TokensRise", tokensRise},
		{"RaceForADeliveryHasOneWinner", raceForADeliveryHasOneWinner},
		{"SettledClaimIsOver", settledClaimIsOver},
		{"LostTokenSettlesNothing", lostTokenSettlesNothing},
		{"SettlementIsAtomicWithThePage", settlementIsAtomicWithThePage},
		{"RetryWaitsAndKeepsItsSet", retryWaitsAndKeepsItsSet},
		{"CallbackSettlesByRank", callbackSettlesByRank},
		{"CallbackDuringTheAttemptStands", callbackDuringTheAttemptStands},
		{"BundleIsReadBack", bundleIsReadBack},
		{"RecentDeliveriesAreNewestFirst", recentDeliveriesAreNewestFirst},

		{"PlaysLikeTheModel", playsLikeTheModel},

		{"RecordVersionsFollowEachOther", recordVersionsFollowEachOther},
		{"RecordKindsHaveTheirOwnNumbers", recordKindsHaveTheirOwnNumbers},
		{"RecordsAreListedNewestFirst", recordsAreListedNewestFirst},
		{"RecordsAreAtomicWithTheirChange", recordsAreAtomicWithTheirChange},
		{"DueFollowsTheRecord", dueFollowsTheRecord},
		{"RecordCommitWakes", recordCommitWakes},
		{"ImpossibleRecordIsRefused", impossibleRecordIsRefused},
		{"RecordsAreCopies", recordsAreCopies},
		{"TrimKeepsRecords", trimKeepsRecords},
		{"RecordsPlayLikeTheModel", recordsPlayLikeTheModel},

		{"TrimKeepsWhatRetentionKeeps", trimKeepsWhatRetentionKeeps},
		{"TrimGoesInSmallSteps", trimGoesInSmallSteps},
		{"TrimTakesDeliveriesThatNoPageOwns", trimTakesDeliveriesThatNoPageOwns},

		{"ReopenKeepsEverything", reopenKeepsEverything},
		{"ReopenSendsWhatWasCommitted", reopenSendsWhatWasCommitted},
		{"ReopenFencesOldClaims", reopenFencesOldClaims},
		{"ReopenKeepsBundles", reopenKeepsBundles},
		{"ReopenKeepsRecords", reopenKeepsRecords},
		{"FailedWriteStoresNothingOfItsChange", failedWriteStoresNothingOfItsChange(open)},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}
