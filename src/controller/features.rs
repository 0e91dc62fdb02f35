//! The cluster's birth and its features' finalized levels (KIP-584).

use super::request::{FeatureUpdate, UpgradeType};
use super::{Controller, Draft, FeatureSetting, Refusal};
use crate::metadata::record::MetadataRecord;

/// The features that this version supports, as a broker registers them: name, lowest and highest level.
pub fn supported_features(features: &[FeatureSetting]) -> Vec<(String, i16, i16)> {
    features.iter().map(|feature| (feature.name.clone(), feature.min_level, feature.max_level)).collect()
}

impl Controller {
    pub(super) fn bootstrap(&self, draft: &mut Draft, cluster_id: &str) -> Result<(), Refusal> {
        self.refuse_other_cluster(&draft.image, cluster_id)?;
        if draft.image.cluster_id().is_some() {
            return Ok(());
        }
        draft.push(MetadataRecord::ClusterId { cluster_id: cluster_id.to_owned() });
        for feature in self.settings.features.iter().filter(|feature| feature.bootstrap_level != 0) {
            let (name, level) = (feature.name.clone(), feature.bootstrap_level);
            draft.push(MetadataRecord::FeatureLevel { name, level });
        }
        Ok(())
    }

    pub(super) fn update_features(
        &self,
        draft: &mut Draft,
        updates: &[FeatureUpdate],
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let changes = |update: &&FeatureUpdate| draft.image.feature_level(&update.feature) != update.level;
        for update in updates {
            self.judge_feature(draft.image.feature_level(&update.feature), update)?;
        }
        if !validate_only {
            let changes: Vec<_> = updates.iter().filter(changes).cloned().collect();
            for update in changes {
                draft.push(MetadataRecord::FeatureLevel { name: update.feature, level: update.level });
            }
        }
        Ok(())
    }

    fn judge_feature(&self, finalized: i16, update: &FeatureUpdate) -> Result<(), Refusal> {
        let FeatureUpdate { feature, level, upgrade_type } = update;
        let refuse = |why: String| {
            Err(Refusal::InvalidUpdateVersion(format!("Invalid update version {level} for feature {feature}. {why}")))
        };
        if *level < 0 {
            return refuse("A feature version cannot be less than 0.".to_owned());
        }
        let node = self.settings.node_id;
        let supported = self.settings.features.iter().find(|supported| supported.name == *feature);
        let Some(supported) = supported else {
            return refuse(format!("Local controller {node} does not support this feature."));
        };
        let (min, max) = (supported.min_level, supported.max_level);
        if !(min..=max).contains(level) {
            return refuse(format!("Local controller {node} only supports versions {min}-{max}"));
        }
        match upgrade_type {
            UpgradeType::Upgrade if *level < finalized => refuse(
                "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe \
                 downgrade."
                    .to_owned(),
            ),
            UpgradeType::SafeDowngrade | UpgradeType::UnsafeDowngrade if *level > finalized => {
                refuse("Can't downgrade to a newer version.".to_owned())
            }
            _ => Ok(()),
        }
    }
}
