export { quests } from './quests.ts';
export { QUESTS_DEFAULTS, type QuestsOptions, type QuestsParts } from './quests-parameters.ts';
