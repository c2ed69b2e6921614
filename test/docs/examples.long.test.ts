import { describeBlocks } from '../support/docs/blocks.ts';

describeBlocks('examples');
