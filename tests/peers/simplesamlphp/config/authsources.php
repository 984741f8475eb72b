<?php
// The people of this provider.

$config = [
    'people' => [
        'exampleauth:UserPass',
        'jane:jane-pass' => [
            'uid' => ['jane'],
            'mail' => ['jane@example.com'],
            'displayName' => ['Jane Doe'],
            'groups' => ['staff', 'editors'],
        ],
    ],
];
