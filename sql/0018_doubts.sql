-- Why a node is unknown although its host reports, or is shown with a guest that says nothing while it boots: a state of its
-- own, which the sentence in `reason` only tells.
ALTER TABLE nodes
    ADD doubt text NOT NULL DEFAULT 'none' CHECK (doubt IN ('none', 'silent', 'step-lost', 'not-ready', 'mute'));
UPDATE nodes SET doubt = CASE
    WHEN reason LIKE 'its guest has been silent%' THEN 'silent'
    WHEN reason LIKE 'its guest says that%' THEN 'step-lost'
    WHEN reason LIKE 'its cluster calls it NotReady%' THEN 'not-ready'
    ELSE 'none' END
  WHERE state = 'unknown';
