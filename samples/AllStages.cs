#:project ../src/Lemma/Lemma.csproj
#:property PublishAot=false
// All stages in one file: tokenizer, pretraining, instructions, preferences, rewards, and what each changed. About ten minutes on two cores.
//   dotnet run -c Release samples/AllStages.cs [-- SHARE]      with a share of the steps for a look: 0.01
using System.Globalization;
using Lemma.Compute;
using Lemma.Data;
using Lemma.Models;
using Lemma.Text;
using Lemma.Text.Training;
using Lemma.Training;

double share = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 1;
long Steps(int whole) => Math.Max(2, (long)(whole * share));
const long HeldOut = 1L << 40;
StoryOptions told = StoryOptions.Short;

// A tokenizer and a model, trained on stories that are told without end.
string[] stories = [.. StoryTasks.Texts(1, told).Range(0, Steps(75_000)).Select(text => text.Text)];
Tokenizer tokenizer = BpeTrainer.Train(stories.Take(3000), new BpeTrainerOptions { VocabularySize = 1024, SpecialTokens = ["<|endoftext|>"] });
int end = tokenizer.IdOf("<|endoftext|>")!.Value;
using Workers workers = new();
using Decoder model = new(Presets.Tiny(tokenizer.VocabularySize).WithLayers(3) with { BeginId = end, EndId = end });
model.Initialize(seed: 1);
TokenDataset Pack(IEnumerable<string> texts) => TokenDataset.Pack([[], .. texts.Select(text => tokenizer.Encode(text, addSpecialTokens: false))], end);
ConversationEncoder encoder = new(tokenizer, PlainTemplate.For(tokenizer, end, end), new ConversationOptions { MaximumLength = 224 });
DataReport report = new();
PolicyPrompt[] Prompts(ExampleSource<VerifiableExample> source, long first, long count) => [.. encoder.Encode(source.Range(first, count), report)
    .Select(prompt => new PolicyPrompt(prompt.Ids, prompt.Example.Prompt[0].Content, prompt.Example.Answer))];
TokenDataset validation = Pack(StoryTasks.Texts(1, told).Range(HeldOut, 50).Select(text => text.Text));
Train(new Pretraining(model, Pack(stories), validation, new PretrainingOptions { Batch = 6, Length = 176, Order = WindowOrder.Documents }), 6000, 2.5e-3);

// Instructions: conversations about the stories, with whole stories among them so that they are not forgotten, and a few lists to be said backwards.
ExampleSource<ChatExample> chats = ExampleSource.Mix([(StoryTasks.Instructions(1, told, questions: 4), 0.97), (ListTasks.Instructions(1), 0.03)], seed: 1);
TokenExample[] Chats(long first, long count) => [.. encoder.Encode(chats.Range(first, count), report)];
TokenExample[] whole = [.. stories.Take((int)Steps(10_000)).Select(story => new TokenExample((int[])[end, .. tokenizer.Encode(story, addSpecialTokens: false), end]))];
Train(new SupervisedTuning(model, [.. Chats(0, Steps(40_000)), .. whole], Chats(HeldOut, 200), new SupervisedTuningOptions()), 1600, 1e-3);

// Preferences: the model as it is now is the reference.
TokenPair[] pairs = [.. encoder.Encode(StoryTasks.Preferences(1, told).Range(0, Steps(6000)), report)];
TokenPair[] others = [.. encoder.Encode(StoryTasks.Preferences(1, told).Range(HeldOut, 200), report)];
PairSet With(TokenPair[] set) => new(set, ReferenceLogs.Compute(model, set, workers));
Train(new PreferenceTuning(model, With(pairs), With(others), new PreferenceTuningOptions { Loss = new DirectPreferenceLoss { Beta = 0.1 }, RowsOfPass = 8192 }), 100, 2e-4);

// Rewards of the model's own answers: any delegate.
using PolicyOptimization policy = new(model, Prompts(ListTasks.Questions(1), 0, Steps(8000)),
    Prompts(ListTasks.Questions(1), HeldOut, 200), (prompt, answer) => AnswerCheck.IsRight(answer.Text, prompt.Answer!) ? 1 : 0, tokenizer, workers,
    new PolicyOptimizationOptions { Loss = new TokenPolicyLoss(), Prompts = 32, LongestAnswer = 32 });
Train(policy, 60, 3e-4);

void Train(Recipe recipe, int steps, double rate)
{
    TrainingOptions options = new() { Steps = Steps(steps), LearningRate = rate, EvaluateEvery = Steps(steps), Schedule = new CosineSchedule { Warmup = 1 } };
    TrainingResult result = new TrainingLoop(recipe, options, workers) { Folder = $"runs/sample/{recipe.Name}", Tokenizer = tokenizer }.Train();
    Console.WriteLine($"{recipe.Name}: score {result.BestScore:0.0000}, questions right {Right(StoryTasks.Questions(1, told)):P1}, lists right {Right(ListTasks.Questions(1)):P1}");
}

double Right(ExampleSource<VerifiableExample> source) =>
    PolicyRewards.Mean(model, tokenizer, workers, Prompts(source, HeldOut, 200), PolicyRewards.All["right"], longest: 32);
