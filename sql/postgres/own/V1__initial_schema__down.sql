DROP TABLE folding_home;
