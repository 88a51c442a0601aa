export { type MulticomponentOptions, multicomponent } from './multicomponent.ts';
export { quests } from './quests.ts';
export { QUESTS_DEFAULTS, type QuestsOptions, type QuestsParts } from './quests-parameters.ts';
export { speciesOf } from './species-of.ts';
