package sim

// Rule is an invariant, in words for people; the letters are those of the project's list of invariants.
type Rule string

// The closed list of rules.
const (
	RuleStored     Rule = "an accepted alert is stored as it must be"                       // S1
	RuleLost       Rule = "what fires is rung for, or somebody or something stopped it"     // S1, L1
	RuleEarly      Rule = "nothing happens before it is due"                                // S2
	RuleStop       Rule = "nothing is claimed after an acknowledgement, a hold or an end"   // S3, R5
	RuleAckOnce    Rule = "an acknowledgement is recorded exactly once per page and round"  // S4
	RuleAnswer     Rule = "what a person is told is recorded"                               // L5
	RuleOldRound   Rule = "an answer to an older round is not applied"                      // S5, R15
	RuleMonotone   Rule = "rounds, passes and steps never go back"                          // S6
	RuleOnePage    Rule = "a group has one open page"                                       // S7
	RuleDuplicates Rule = "what the provider took and the store knows is never sent again"  // S8
	RuleFence      Rule = "a lost or settled claim changes nothing, a held one is not lost" // S9, R5
	RuleTimeline   Rule = "each transition has one entry, and the chain is whole"           // S10, R32
	RuleAnchor     Rule = "every hour the ends of all timelines are anchored, as they are"  // R32
	RuleCommitted  Rule = "nothing is sent that was not stored and claimed"                 // ARCHITECTURE 1.3
	RuleDue        Rule = "every open page has a due instant, and the index knows it"       // R6, L4
	RuleDrift      Rule = "the next step counts from when this one was due"                 // R8
	RuleGap        Rule = "a target that is nobody moves on at once to the last resort"     // L6, R8
	RuleTold       Rule = "the operators hear of a gap"                                     // L6
	RuleSilence    Rule = "a page is held exactly while silences cover all that fires"      // R24
	RuleOnce       Rule = "an operation is applied at most once"                            // R10
	RuleClock      Rule = "a clock that runs away fires nothing"                            // R9
	RuleNumber     Rule = "a number is allocated before it is used, and used once"          // R11
	RuleCount      Rule = "a page knows how many of its alerts fire"                        // R22
	RulePinned     Rule = "a policy changes only with the severity"                         // R25
	RuleIncident   Rule = "acknowledgement and incident are one commit"                     // R21
	RuleLed        Rule = "what is done to an incident is done whole and once"              // R21
	RuleLetters    Rule = "each reader is sent the newest update, and none of them twice"
	RuleSame       Rule = "the store holds what was committed" // the store's contract
	RulePanic      Rule = "nothing panics"
)
