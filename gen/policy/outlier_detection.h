/* outlier_detection: targets are ejected by how they answer. */
#ifndef GEN_POLICY_OUTLIER_DETECTION_H
#define GEN_POLICY_OUTLIER_DETECTION_H

#include "setting.h"

/* out: struct ir_outlier */
extern const struct policy_type outlier_detection_type, outlier_success_rate_type;

/* What `true` means. */
struct ir_outlier outlier_detection_on(struct loc loc);

#endif
