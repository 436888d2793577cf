namespace Gristmill;

public sealed class DeclaredTriggerTests
{
    [Fact]
    public void Code_declares_triggers_with_names_and_parameters()
    {
        var pipeline = Pipeline.Create("flights", p =>
        {
            var day = p.Parameter("day", new DateOnly(2001, 1, 1));
            var order = p.Parameter("order", 0);
            var (tag, url) = (p.Parameter("tag", ""), p.Parameter("url", ""));
            p.Read.Csv("/data/x.csv");
            p.On.Cron("0 6 * * *", "Europe/Berlin").Set(day, EventValue.ScheduledDate).With(concurrency: ConcurrencyPolicy.Queue, catchUp: CatchUpPolicy.All);
            p.On.Cron("@hourly").Set(day, new DateOnly(2001, 2, 3));
            p.On.Webhook("orders").Named("order-hook").Set(order, EventValue.Body("order.items[0]"));
            p.On.After("ingest", RunOutcomes.Any);
            p.On.Metric("flights-live", "evaluate", Metric.Auc, "<", 0.6);
            p.On.File("/data/in/*.csv");
            p.On.Every(TimeSpan.FromHours(1));
            p.On.Stream("events", "orders", "all");
            p.On.Object("https://h/in.csv");
            p.On.Object("https://h/more.csv", TimeSpan.FromSeconds(30), existing: true, secret: "store").Set(tag, EventValue.ObjectETag).Set(url, EventValue.ObjectUrl);
        });

        var triggers = pipeline.Spec.Triggers!.Value;
        Assert.Equal(
            ["flights-cron", "flights-cron-2", "order-hook", "flights-after", "flights-metric", "flights-file", "flights-interval", "flights-stream", "flights-object", "flights-object-2"],
            triggers.Select(trigger => trigger.Name));
        Assert.All(triggers, trigger => Assert.Equal("flights", trigger.Pipeline));
        Assert.Equal("\"{{scheduled.date}}\"", triggers[0].Parameters["day"]);
        Assert.Equal((ConcurrencyPolicy.Queue, CatchUpPolicy.All), (triggers[0].Concurrency, triggers[0].CatchUp));
        Assert.Equal("\"2001-02-03\"", triggers[1].Parameters["day"]);
        Assert.Equal("\"{{body.order.items[0]}}\"", triggers[2].Parameters["order"]);
        Assert.Equal(new ObjectArrival { Url = "https://h/in.csv", Poll = TimeSpan.FromMinutes(1) }, triggers[8].Object);
        Assert.Equal(new ObjectArrival { Url = "https://h/more.csv", Poll = TimeSpan.FromSeconds(30), Existing = true, Secret = "store" }, triggers[9].Object);
        Assert.Equal(("\"{{object.etag}}\"", "\"{{object.url}}\""), (triggers[9].Parameters["tag"], triggers[9].Parameters["url"]));
        // It goes over the wire and back, and a pipeline without triggers is as it was.
        Assert.Equal(PipelineVersion.Of(pipeline.Spec), PipelineVersion.Of(GristmillJson.Deserialize<PipelineSpec>(GristmillJson.Serialize(pipeline.Spec))));
        Assert.DoesNotContain("triggers", GristmillJson.Serialize(Pipeline.Create("plain", p => p.Read.Csv("/x.csv")).Spec), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_a_trigger_is_refused_when_it_is_defined()
    {
        static string CodeOf(Action<PipelineBuilder> define) => Assert.Throws<GristmillException>(() => Pipeline.Create("p", p =>
        {
            p.Read.Csv("/x.csv");
            define(p);
        })).Code;

        Assert.Equal(ErrorCodes.TimeZone, CodeOf(p => p.On.Cron("@daily", "Nowhere")));
        Assert.Equal(ErrorCodes.Glob, CodeOf(p => p.On.File("relative/*.csv")));
        Assert.Equal(ErrorCodes.Invalid, CodeOf(p => p.On.Object("https://h/x?sig=y")));
        Assert.Equal(ErrorCodes.Invalid, CodeOf(p => p.On.Every(TimeSpan.Zero)));
        Assert.Equal(ErrorCodes.Invalid, CodeOf(p => p.On.Cron("@daily").Set(p.Parameter("f", ""), EventValue.File)));
        Assert.Equal(ErrorCodes.Invalid, CodeOf(p =>
        {
            p.On.Cron("@daily").Named("t");
            p.On.Cron("@hourly").Named("t");
        }));
    }
}
