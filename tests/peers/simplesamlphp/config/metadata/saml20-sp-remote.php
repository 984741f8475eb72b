<?php
// The service providers that tests have posted.

foreach (glob(getenv('ROOM') . '/sps/*.json') as $place) {
    $told = json_decode(file_get_contents($place), true);
    $metadata[$told['entityid']] = $told;
}
