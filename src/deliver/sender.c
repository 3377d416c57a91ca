#include "deliver/sender.h"

const struct sender *const senders[DESTINATION_TYPES] = {
	[DESTINATION_WEBHOOK] = &webhook,
	[DESTINATION_FILE] = &file,
	[DESTINATION_RELAY] = &relay,
	[DESTINATION_KAFKA] = &kafka,
};
